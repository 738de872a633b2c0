import type { BelongsTo, DataModel, Field, Model } from '../model/data-model.ts';
import { belongsToColumn, columnsOf } from '../statements/columns.ts';
import { ownChecks } from './checks.ts';
import { columnsOfAnyType } from './names.ts';
import type { Catalog, Relation } from './read-catalog.ts';

/** Something of a model that is stored under the name that it had. It gets its new one with the deployment, in one transaction. */
export interface Rename {
  /** The new name of the model. */
  readonly model: string;
  /** As it is called until then. */
  readonly table: string;
  /** The names of a field or belongs-to; null where the table itself is meant. */
  readonly member: { readonly from: string; readonly to: string } | null;
  readonly columns: readonly { readonly from: string; readonly to: string }[];
  /** Those of its columns that are there, also of another type. */
  readonly stored: readonly string[];
  /** The names of their checks. */
  readonly checks: readonly string[];
  /** Columns that have the new name too; for a table, its name. They may go when they hold nothing. */
  readonly taken: readonly string[];
}

export interface Models {
  readonly next: DataModel;
  /** What is deployed now, if anything. */
  readonly previous: DataModel | null;
}

/** What is to be renamed: what says that it was, and in a rollback what the newer model says it was renamed from. Nothing where nothing is stored under the former name. `isKept` says of which models the table stays. */
export function findRenames(
  catalog: Catalog,
  models: Models,
  isKept: (model: string) => boolean = () => false,
): readonly Rename[] {
  return models.next.models.flatMap((model) => {
    const table = isKept(model.name) ? null : formerTable(catalog, model, models);
    const stored = table ?? model.name;
    const relation = catalog.relations.get(stored);
    if (relation?.isTable !== true) return [];
    const previous = models.previous?.models.find(({ name }) => name === stored) ?? null;
    const members = [...model.fields.map(asMember), ...model.belongsTo.map(asMember)];
    const columns = members
      .flatMap((member) => formerColumns(relation, member, { members, previous }))
      .map((rename) => ({ ...rename, model: model.name, table: stored }));
    if (table === null) return columns;
    return [
      ...columns,
      {
        model: model.name,
        table,
        member: null,
        columns: [],
        stored: [],
        checks: [],
        taken: catalog.relations.has(model.name) ? [model.name] : [],
      },
    ];
  });
}

function formerTable({ relations }: Catalog, model: Model, { next, previous }: Models): string | null {
  const newer = previous?.models.find(({ renamedFrom, name }) => renamedFrom === model.name && !has(next.models, name));
  const former =
    model.renamedFrom ?? (newer === undefined || has(previous?.models ?? [], model.name) ? null : newer.name);
  const relation = former === null ? undefined : relations.get(former);
  return relation?.isTable === true && relation.hasId ? former : null;
}

interface Member {
  readonly name: string;
  readonly kind: 'field' | 'belongs-to';
  readonly renamedFrom: string | null;
  /** The columns that it has, and those that it could have, under a name. */
  readonly columnsAs: (name: string) => readonly string[];
  readonly anyColumnsAs: (name: string) => readonly string[];
}

function asMember(given: Field | BelongsTo): Member {
  const { name, renamedFrom = null } = given;
  if ('type' in given)
    return {
      name,
      kind: 'field',
      renamedFrom,
      columnsAs: (as) => columnsOf({ ...given, name: as }).map((column) => column.name),
      anyColumnsAs: columnsOfAnyType,
    };
  const columnsAs = (as: string): readonly string[] => [belongsToColumn({ ...given, name: as }).name];
  return { name, kind: 'belongs-to', renamedFrom, columnsAs, anyColumnsAs: columnsAs };
}

function formerColumns(
  relation: Relation,
  member: Member,
  { members, previous }: { readonly members: readonly Member[]; readonly previous: Model | null },
): readonly Omit<Rename, 'model' | 'table'>[] {
  const from = member.renamedFrom ?? newerName(member, members, previous);
  if (from === null) return [];
  const stored = member.anyColumnsAs(from).filter((name) => relation.columns.has(name));
  if (stored.length === 0) return [];
  const names = member.columnsAs(member.name);
  return [
    {
      member: { from, to: member.name },
      columns: member.columnsAs(from).flatMap((name, index) => ({ from: name, to: names[index] ?? name })),
      stored,
      checks: ownChecks(relation, stored),
      taken: member.anyColumnsAs(member.name).filter((name) => relation.columns.has(name)),
    },
  ];
}

/** What a newer model calls it, which is deployed now and says that it was renamed. */
function newerName({ name, kind }: Member, members: readonly Member[], previous: Model | null): string | null {
  const known = kind === 'field' ? (previous?.fields ?? []) : (previous?.belongsTo ?? []);
  const newer = known.find((each) => each.renamedFrom === name && !has(members, each.name));
  return newer === undefined || has(known, name) ? null : newer.name;
}

function has(named: readonly { readonly name: string }[], name: string): boolean {
  return named.some((each) => each.name === name);
}

/** The model in the names under which its tables and columns are stored until they are renamed. */
export function inStoredNames(dataModel: DataModel, renames: readonly Rename[]): DataModel {
  return {
    models: dataModel.models.map((model) => {
      const own = renames.filter((rename) => rename.model === model.name);
      const nameOf = (name: string): string => own.find(({ member }) => member?.to === name)?.member?.from ?? name;
      return {
        ...model,
        name: own[0]?.table ?? model.name,
        fields: model.fields.map((field) => ({ ...field, name: nameOf(field.name) })),
        belongsTo: model.belongsTo.map((belongsTo) => ({ ...belongsTo, name: nameOf(belongsTo.name) })),
        indexes: model.indexes.map((index) => ({ ...index, on: index.on.map(nameOf) })),
      };
    }),
  };
}
