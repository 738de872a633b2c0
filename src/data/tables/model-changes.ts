import type { BelongsTo, Choice, DataModel, Field, Model } from '../model/data-model.ts';
import { belongsToColumn, columnsOf, tableName } from '../statements/columns.ts';
import type { Catalog } from './read-catalog.ts';
import type { Models, Rename } from './renames.ts';

/** What a deployment takes out of sight: it is kept, and no model names it. */
export interface Hidden {
  readonly model: string;
  readonly table: string;
  /** Fields and belongs-to by the column that is not null where they have a value; null for the whole table. */
  readonly members: readonly { readonly name: string; readonly column: string }[] | null;
}

/** A choice that has fewer keys than what was deployed before, or was none. */
export interface ChangedChoice {
  readonly model: string;
  readonly field: Field;
  readonly table: string;
  readonly column: string;
  /** Known from the model before. */
  readonly formerKeys: readonly (string | number)[];
  /** Whether objects may have keys that no model names. */
  readonly isAsked: boolean;
}

/** A belongs-to that refers to objects of another model than before. */
export interface ChangedReference {
  readonly name: string;
  readonly model: string;
  readonly table: string;
  readonly column: string;
  readonly otherTable: string;
}

export interface ModelChanges {
  readonly hidden: readonly Hidden[];
  readonly choices: readonly ChangedChoice[];
  readonly references: readonly ChangedReference[];
}

/** What changes for the objects that are there, from the model that is deployed now to the next; by the names under which things are stored until then. */
export function compareModels(
  schema: string,
  { relations }: Catalog,
  { models: { next, previous }, renames }: { readonly models: Models; readonly renames: readonly Rename[] },
): ModelChanges {
  const formerName = (model: string): string => renames.find((rename) => rename.model === model)?.table ?? model;
  const pairs = (previous?.models ?? []).map((before) => ({
    before,
    after: next.models.find(({ name }) => formerName(name) === before.name) ?? null,
  }));
  return {
    hidden: pairs.flatMap(({ before, after }): Hidden[] => {
      const relation = relations.get(before.name);
      if (relation?.isTable !== true) return [];
      const table = tableName(schema, before.name);
      if (after === null) return [{ model: before.name, table, members: null }];
      const kept = new Set([...after.fields, ...after.belongsTo].map(({ name }) => memberName(renames, after, name)));
      const members = [
        ...before.fields.map((field) => ({ name: field.name, column: columnsOf(field)[0]?.name ?? field.name })),
        ...before.belongsTo.map((one) => ({ name: one.name, column: belongsToColumn(one).name })),
      ];
      const hidden = members.filter(({ name, column }) => !kept.has(name) && relation.columns.has(column));
      return hidden.length === 0 ? [] : [{ model: before.name, table, members: hidden }];
    }),
    choices: pairs.flatMap(({ before, after }) =>
      after === null ? [] : changedChoices(schema, { before, after, renames }),
    ),
    references: pairs.flatMap(({ before, after }) =>
      after === null ? [] : changedReferences(schema, { before, after, renames }, formerName),
    ),
  };
}

interface Pair {
  readonly before: Model;
  readonly after: Model;
  readonly renames: readonly Rename[];
}

function memberName(renames: readonly Rename[], { name: model }: Model, name: string): string {
  return renames.find((rename) => rename.model === model && rename.member?.to === name)?.member?.from ?? name;
}

function changedChoices(schema: string, { before, after, renames }: Pair): readonly ChangedChoice[] {
  return after.fields.flatMap((field) => {
    const stored = memberName(renames, after, field.name);
    const former = before.fields.find(({ name }) => name === stored);
    if (
      field.options.length === 0 ||
      former === undefined ||
      columnsOf(former)[0]?.type !== columnsOf({ ...field, name: stored })[0]?.type
    )
      return [];
    const keys = new Set(keysOf(field.options));
    const formerKeys = [...new Set([...keysOf(former.options), ...(former.formerKeys ?? [])])].filter(
      (key) => !keys.has(key),
    );
    const isAsked = former.options.length === 0 || keysOf(former.options).some((key) => !keys.has(key));
    if (formerKeys.length === 0 && !isAsked) return [];
    return [{ model: after.name, field, table: tableName(schema, before.name), column: stored, formerKeys, isAsked }];
  });
}

function keysOf(options: readonly Choice[]): readonly (string | number)[] {
  return options.map(({ key }) => key);
}

function changedReferences(
  schema: string,
  { before, after, renames }: Pair,
  formerName: (model: string) => string,
): readonly ChangedReference[] {
  return after.belongsTo.flatMap((belongsTo) => {
    const stored: BelongsTo = { ...belongsTo, name: memberName(renames, after, belongsTo.name) };
    const former = before.belongsTo.find(({ name }) => name === stored.name);
    const otherTable = formerName(belongsTo.model);
    if (former === undefined || former.model === otherTable) return [];
    return [
      {
        name: `${after.name}.${belongsTo.name}`,
        model: belongsTo.model,
        table: tableName(schema, before.name),
        column: belongsToColumn(stored).name,
        otherTable: tableName(schema, otherTable),
      },
    ];
  });
}

/** The model with the keys that objects may still have. */
export function withFormerKeys(
  dataModel: DataModel,
  found: readonly { readonly model: string; readonly field: string; readonly keys: readonly (string | number)[] }[],
): DataModel {
  if (found.length === 0) return dataModel;
  return {
    models: dataModel.models.map((model) => ({
      ...model,
      fields: model.fields.map((field) => {
        const keys = found.find((each) => each.model === model.name && each.field === field.name)?.keys ?? [];
        return keys.length === 0 ? field : { ...field, formerKeys: keys };
      }),
    })),
  };
}
