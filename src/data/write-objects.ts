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

/**
 * Stores objects. One that is there already is overwritten: what is not given becomes null. Gives one row `{ held }`.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function insertObjects(target: DataTarget, caller: Caller, operation: RowsOperation): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const targets = columns.flatMap((column) => column.targets);
  const overwritten = allColumns(model).map((column) => `${column} = excluded.${column}`);
  const given = givenRows(operation, { rows: parameters.add(operation.rows, 'json'), columns });
  return statementOf(
    `${held}, stored as (
      insert into ${tableName(target.schema, model.name)} (${['"id"', ...targets.map(({ column }) => column)].join(', ')})
      select ${['g."id"', ...targets.map(({ value }) => value)].join(', ')} from ${given}, held where held.held
      on conflict ("id") do ${overwritten.length === 0 ? 'nothing' : `update set ${overwritten.join(', ')}`}
    )
    select held from held`,
    parameters,
  );
}

/**
 * Changes the given columns of objects. Gives one row `{ missing }`: those of `ids` that are not there, or null when all are.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function updateObjects(target: DataTarget, caller: Caller, operation: RowsOperation): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const given = givenRows(operation, { rows: parameters.add(operation.rows, 'json'), columns });
  const ids = parameters.add(operation.ids, 'uuid[]');
  const changes = columns.flatMap((column) => column.targets).map(({ column, value }) => `${column} = ${value}`);
  return statementOf(
    `${held}, done as (
      update ${tableName(target.schema, model.name)} t set ${changes.length === 0 ? '"id" = t."id"' : changes.join(', ')}
      from ${given}, held where held.held and t."id" = g."id" and ${isOneOf(operation, ids)}
      returning t."id"
    )
    select held, ${missing(ids)} from held`,
    parameters,
  );
}

/**
 * Destroys objects. Gives one row `{ missing }`, as updateObjects.
 * @throws CloudCodeError `unknown_model`
 */
export function destroyObjects(target: DataTarget, caller: Caller, operation: { readonly model: string; readonly ids: readonly string[] }): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const ids = parameters.add(operation.ids, 'uuid[]');
  return statementOf(
    `${held}, done as (
      delete from ${tableName(target.schema, model.name)} t using held where held.held and ${isOneOf(operation, ids)}
      returning t."id"
    )
    select held, ${missing(ids)} from held`,
    parameters,
  );
}

// One object has a form of its own: the planner then knows that it is one, keeps its plan, and saves half of the statement's time.

function givenRows({ ids }: { readonly ids: readonly string[] }, { rows, columns }: { readonly rows: string; readonly columns: readonly GivenColumn[] }): string {
  const read = ids.length === 1 ? `json_to_record(${rows} -> 0)` : `json_to_recordset(${rows})`;
  return `${read} as g (${['"id" uuid', ...columns.map(({ definition }) => definition)].join(', ')})`;
}

function isOneOf(operation: { readonly ids: readonly string[] }, ids: string): string {
  return operation.ids.length === 1 ? `t."id" = (${ids})[1]` : `t."id" = any(${ids})`;
}

function missing(ids: string): string {
  const those = `(select array_agg(given::text) from unnest(${ids}) given where given not in (select "id" from done))`;
  return `case when (select count(*) from done) < cardinality(${ids}) then ${those} end as missing`;
}
