import type { DataModel, Model } from '../model/data-model.ts';
import { belongsToColumn, columnsOf, columnsOfModel, idColumn, quoteName, tableName } from '../statements/columns.ts';
import type { Conflict } from './conflicts.ts';
import type { Catalog, Relation } from './read-catalog.ts';

/** Names of a model that nothing is stored under, where something is under one that differs in case alone: a new column beside it would hide its values, and people mix the two up. */
export function caseConflicts(schema: string, { relations }: Catalog, { models }: DataModel): readonly Conflict[] {
  return models.flatMap((model) => {
    const relation = relations.get(model.name);
    if (relation !== undefined) return relation.isTable ? ofMembers(schema, relation, model) : [];
    const stored = [...relations].find(
      ([name, { isTable }]) =>
        isTable && isSameButCase(name, model.name) && !models.some((other) => other.name === name),
    )?.[0];
    if (stored === undefined) return [];
    const remedySql = `alter table ${tableName(schema, stored)} rename to ${quoteName(model.name)};`;
    return [{ message: explain(model.name, stored), countSql: null, misfitsSql: null, remedySql }];
  });
}

function ofMembers(schema: string, { columns }: Relation, model: Model): readonly Conflict[] {
  const wanted = new Set([idColumn, ...columnsOfModel(model)].map(({ name }) => name));
  const members = [
    ...model.fields.map((field) => ({ name: field.name, columns: columnsOf(field) })),
    ...model.belongsTo.map((belongsTo) => ({ name: belongsTo.name, columns: [belongsToColumn(belongsTo)] })),
  ];
  return members.flatMap((member) => {
    if (member.columns.some(({ name }) => columns.has(name))) return [];
    const near = [...columns.keys()].filter(
      (name) => !wanted.has(name) && member.columns.some((column) => isSameButCase(name, column.name)),
    );
    const [first] = near;
    if (first === undefined) return [];
    const stored = first.slice(0, member.name.length);
    const renames = near.map(
      (name) =>
        `alter table ${tableName(schema, model.name)} rename column ${quoteName(name)} to ${quoteName(`${member.name}${name.slice(stored.length)}`)};`,
    );
    return [
      {
        message: `${model.name}.${explain(member.name, stored)}`,
        countSql: `select count(${quoteName(first)})::integer as count from ${tableName(schema, model.name)}`,
        misfitsSql: null,
        remedySql: renames.join(' '),
      },
    ];
  });
}

function isSameButCase(one: string, other: string): boolean {
  return one !== other && one.toLowerCase() === other.toLowerCase();
}

function explain(name: string, stored: string): string {
  return `${name} is stored as ${stored}, which differs in case alone: write \`${stored}\`, or add renamed-from="${stored}" (in data-model.ts, renamedFrom: '${stored}')`;
}
