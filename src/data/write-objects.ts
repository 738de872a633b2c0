import type { WriteOperation } from '../protocol/data-messages.ts';
import type { Caller } from '../store/insert-run.ts';
import type { Statement } from '../store/open-store.ts';
import { tableName } from './columns.ts';
import { allColumns, type GivenColumn, givenColumns } from './given-columns.ts';
import { openParameters, statementOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

type RowsOperation = Pick<Extract<WriteOperation, { readonly rows: string }>, 'model' | 'columns' | 'ids' | 'rows'>;

const held = `
    with held as materialized (
      select cloudcode.hold_attempt($1, $2) as held
    )`;

// One object has a form of its own, which takes two thirds of the time: a plain statement, whose plan is kept. The sub-select makes its fence a one-time filter, checked
// before anything is looked for, so also when the object is not there.
const isHeld = '(select cloudcode.hold_attempt($1, $2))';

/**
 * Stores objects. One that is there already is overwritten: what is not given becomes null.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function insertObjects(target: DataTarget, caller: Caller, operation: RowsOperation): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const targets = columns.flatMap((column) => column.targets);
  const overwritten = allColumns(model).map((column) => `${column} = excluded.${column}`);
  const given = givenRows(operation, { rows: parameters.add(operation.rows, 'json'), columns });
  const into = `insert into ${tableName(target.schema, model.name)} (${['"id"', ...targets.map(({ column }) => column)].join(', ')})`;
  const values = `select ${['g."id"', ...targets.map(({ value }) => value)].join(', ')} from ${given}`;
  const conflict = `on conflict ("id") do ${overwritten.length === 0 ? 'nothing' : `update set ${overwritten.join(', ')}`}`;
  if (isOne(operation)) return statementOf(`${into} ${values} where ${isHeld} ${conflict}`, parameters);
  return statementOf(`${held}, stored as (${into} ${values}, held where held.held ${conflict}) select held from held`, parameters);
}

/**
 * Changes the given columns of objects. Gives one row `{ missing }`: those of `ids` that are not there, or null when all are. A single one that is not there gives no row.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function updateObjects(target: DataTarget, caller: Caller, operation: RowsOperation): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const given = givenRows(operation, { rows: parameters.add(operation.rows, 'json'), columns });
  const ids = parameters.add(arrayOf(operation.ids), 'uuid[]');
  const changes = columns.flatMap((column) => column.targets).map(({ column, value }) => `${column} = ${value}`);
  const update = `update ${tableName(target.schema, model.name)} t set ${changes.length === 0 ? '"id" = t."id"' : changes.join(', ')} from ${given}`;
  if (isOne(operation)) return statementOf(`${update} where ${isHeld} and t."id" = g."id" and t."id" = (${ids})[1] returning ${noneMissing}`, parameters);
  return statementOf(`${held}, done as (${update}, held where held.held and t."id" = g."id" and t."id" = any(${ids}) returning t."id") select held, ${missing(ids)} from held`, parameters);
}

/**
 * Destroys objects. Gives what updateObjects does.
 * @throws CloudCodeError `unknown_model`
 */
export function destroyObjects(target: DataTarget, caller: Caller, operation: { readonly model: string; readonly ids: readonly string[] }): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const ids = parameters.add(arrayOf(operation.ids), 'uuid[]');
  const remove = `delete from ${tableName(target.schema, model.name)} t`;
  if (isOne(operation)) return statementOf(`${remove} where ${isHeld} and t."id" = (${ids})[1] returning ${noneMissing}`, parameters);
  return statementOf(`${held}, done as (${remove} using held where held.held and t."id" = any(${ids}) returning t."id") select held, ${missing(ids)} from held`, parameters);
}

function givenRows({ ids }: { readonly ids: readonly string[] }, { rows, columns }: { readonly rows: string; readonly columns: readonly GivenColumn[] }): string {
  const read = isOne({ ids }) ? `json_to_record(${rows} -> 0)` : `json_to_recordset(${rows})`;
  return `${read} as g (${['"id" uuid', ...columns.map(({ definition }) => definition)].join(', ')})`;
}

/** The text of an array of UUIDs, which need no quotes: the driver would look for some in each, and take six times as long. */
function arrayOf(ids: readonly string[]): string {
  return `{${ids.join(',')}}`;
}

function isOne({ ids }: { readonly ids: readonly string[] }): boolean {
  return ids.length === 1;
}

const noneMissing = 'null::text[] as missing';

function missing(ids: string): string {
  const those = `(select array_agg(given::text) from unnest(${ids}) given where given not in (select "id" from done))`;
  return `case when (select count(*) from done) < cardinality(${ids}) then ${those} end as missing`;
}
