import type { BelongsTo, Field, Model } from '../model/data-model.ts';
import { fieldTypes } from '../model/field-types.ts';
import { belongsToColumn, type Column, columnsOf, quoteName, tableName } from '../statements/columns.ts';
import { type Check, checksOf, ownChecks } from './checks.ts';
import { columnsOfAnyType, fieldOf } from './names.ts';
import { conversion, isNarrowing, isWidening } from './convert.ts';
import type { Relation } from './read-catalog.ts';

/** What stands in the way of a data model and is for a person to decide. */
export interface Conflict {
  readonly message: string;
  /** Counts the objects that have a value in the field, as `count`; null where that is not the question. */
  readonly countSql: string | null;
  /** Counts the values that do not fit, as `count`: with none there is no conflict. Null where it does not depend on them. */
  readonly misfitsSql: string | null;
  /** Does by hand what would end the conflict. */
  readonly remedySql: string;
}

/** Something that is no table of a model has a model's name. */
export function foreignTable(schema: string, model: string, relation: Relation): Conflict {
  const what = relation.isTable ? 'a table without the primary key `id uuid`' : 'something that is no table';
  return {
    message: `${model}: the schema ${schema} has ${what} of this name, which CloudCode did not make`,
    countSql: null,
    misfitsSql: null,
    // Which PostgreSQL takes for views, sequences and indexes too.
    remedySql: `alter table ${tableName(schema, model)} rename to ${quoteName(`${model}~1`)};`,
  };
}

/** Fields and belongs-to of a model whose columns are there, also from an earlier time, as those of another type. */
export function conflictsOf(schema: string, relation: Relation, model: Model): readonly Conflict[] {
  const wanted = [
    ...model.fields.map((field): Wanted => ({
      name: field.name,
      type: field.type,
      columns: columnsOf(field),
      others: otherColumns(field),
    })),
    ...model.belongsTo.map(wantedId),
  ];
  return wanted.flatMap((each) =>
    conflictOf({ table: tableName(schema, model.name), model: model.name, relation }, each),
  );
}

interface Wanted {
  readonly name: string;
  /** For people. */
  readonly type: string;
  readonly columns: readonly Column[];
  /** Those that it would have, were it of another type. */
  readonly others: readonly string[];
}

function wantedId(belongsTo: BelongsTo): Wanted {
  const column = belongsToColumn(belongsTo);
  return { name: column.name, type: 'belongs-to', columns: [column], others: [] };
}

function otherColumns(field: Field): readonly string[] {
  const own = columnsOf(field).map(({ name }) => name);
  return columnsOfAnyType(field.name).filter((name) => !own.includes(name));
}

interface Place {
  /** As SQL takes it. */
  readonly table: string;
  readonly model: string;
  readonly relation: Relation;
}

function conflictOf({ table, model, relation }: Place, wanted: Wanted): readonly Conflict[] {
  const stored = [...wanted.columns.map(({ name }) => name), ...wanted.others].flatMap((name) => {
    const type = relation.columns.get(name);
    return type === undefined ? [] : [{ name, type }];
  });
  const isFitting = stored.every(({ name, type }) => {
    const column = wanted.columns.find((each) => each.name === name);
    return column !== undefined && (column.type === type || isWidening(type, column.type));
  });
  if (isFitting) return [];
  const misfitsSql = misfitsOf(table, wanted, stored);
  if (misfitsSql !== null && isChecked(relation, wanted, stored)) return [];
  const types = wanted.columns.map(({ type }) => type).join(', ');
  return [
    {
      message: `${model}.${wanted.name} is stored as ${describeStored(wanted.name, stored)} and would become ${wanted.type}${wanted.columns.length === 1 ? ` (${types})` : ''}`,
      countSql: `select count(*)::integer as count from ${table} where num_nonnulls(${stored.map(({ name }) => quoteName(name)).join(', ')}) > 0`,
      misfitsSql,
      remedySql: remedyFor({ table, relation }, wanted, stored),
    },
  ];
}

/** Of a column that can stay wider than what is wanted. */
function misfitsOf(table: string, wanted: Wanted, stored: readonly Column[]): string | null {
  const [check, ...others] = narrowingChecks(wanted, stored);
  if (check === undefined || others.length > 0) return null;
  return `select count(*)::integer as count from ${table} where not (${check.condition})`;
}

function isChecked({ checks }: Relation, wanted: Wanted, stored: readonly Column[]): boolean {
  return narrowingChecks(wanted, stored).every(({ name }) => checks.get(name)?.isValid === true);
}

function narrowingChecks(wanted: Wanted, stored: readonly Column[]): readonly Check[] {
  if (stored.length !== wanted.columns.length) return [];
  return wanted.columns.flatMap((column) => {
    const type = stored.find(({ name }) => name === column.name)?.type;
    return type !== undefined && isNarrowing(type, column.type) ? checksOf(column, type) : [];
  });
}

/** The type that a field has had, as far as its columns tell, and how it is stored. */
function describeStored(name: string, stored: readonly Column[]): string {
  const [first, ...others] = stored;
  const type = fieldTypes.find((each) => {
    const columns = columnsOf(fieldOf(name, each));
    return (
      columns.length === stored.length &&
      columns.every((column) => stored.some((one) => one.name === column.name && one.type === column.type))
    );
  });
  if (first === undefined || others.length > 0)
    return type ?? stored.map((column) => `${column.name} ${column.type}`).join(', ');
  return `${type ?? (first.type === 'uuid' ? 'belongs-to' : 'a type of its own')} (${first.type})`;
}

/** Converts the values, or where that cannot be, gives the stored columns names that no field can have. */
function remedyFor(
  { table, relation }: Pick<Place, 'table' | 'relation'>,
  wanted: Wanted,
  stored: readonly Column[],
): string {
  const [column, ...others] = wanted.columns;
  const [current, ...more] = stored;
  const drops = ownChecks(
    relation,
    stored.map(({ name }) => name),
  ).map((name) => `drop constraint ${quoteName(name)}`);
  if (column !== undefined && others.length + more.length === 0 && current?.name === column.name) {
    const using = conversion(quoteName(column.name), current.type, column.type);
    if (using !== null)
      return `alter table ${table} ${[...drops, ''].join(', ')}alter column ${quoteName(column.name)} type ${column.type} using ${using};`;
  }
  const renamed = (name: string, number: number): string => `${wanted.name}~${number}${name.slice(wanted.name.length)}`;
  let number = 1;
  while (stored.some(({ name }) => relation.columns.has(renamed(name, number)))) number += 1;
  const renames = stored.map(
    ({ name }) => `alter table ${table} rename column ${quoteName(name)} to ${quoteName(renamed(name, number))};`,
  );
  return [...(drops.length === 0 ? [] : [`alter table ${table} ${drops.join(', ')};`]), ...renames].join(' ');
}
