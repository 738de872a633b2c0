import { checkOrder } from '../expression/check-order.ts';
import type { Selection } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { tableName } from './columns.ts';
import { compileWhere } from './compile-expression.ts';
import { orderBy } from './page-order.ts';
import { openParameters, type Parameters, searchOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/**
 * Destroys the objects of a selection. Gives one row `{ count }`.
 * @throws CloudCodeError `unknown_model`, `invalid_expression`, `invalid_order`
 */
export function destroyMatching(target: DataTarget, caller: Caller, selection: Selection): Statement {
  const model = modelOf(target, selection.model);
  const parameters = openParameters(caller);
  const table = tableName(target.schema, model.name);
  const where = `held.held and ${compileWhere(model, selection.where, parameters)}`;
  const isWhole = selection.limit === null && selection.skip === 0;
  const order = isWhole ? '' : orderBy(checkOrder(model, selection.orderBy));
  const picked = `select t."id" from ${table} t, held where ${where} order by ${order} ${limitOf(selection, parameters)} for update of t`;
  return searchOf(
    `
    with held as materialized (
      select cloudcode.hold_attempt_data($1, $2) as held
    ), destroyed as (
      delete from ${table} t using ${isWhole ? `held where ${where}` : `(${picked}) picked where t."id" = picked."id"`} returning 1
    )
    select held, (select count(*)::double precision from destroyed) as count from held`,
    parameters,
  );
}

function limitOf({ limit, skip }: Selection, parameters: Parameters): string {
  return limit === null && skip === 0
    ? ''
    : `limit ${parameters.add(limit, 'bigint')} offset ${parameters.add(skip, 'bigint')}`;
}
