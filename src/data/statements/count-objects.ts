import type { Selection } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { tableName } from './columns.ts';
import { compileWhere } from './compile-expression.ts';
import { openParameters, searchOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/**
 * The number of objects in a selection, its `skip` and `limit` counted. Gives one row `{ count }`.
 * @throws CloudCodeError `unknown_model`, `invalid_expression`
 */
export function countObjects(target: DataTarget, caller: Caller, selection: Selection): Statement {
  const model = modelOf(target, selection.model);
  const parameters = openParameters(caller);
  const matching = `from ${tableName(target.schema, model.name)} t where ${compileWhere(model, selection.where, parameters)}`;
  // See selectPage for the place of the check.
  const held = 'select cloudcode.attempt_holds_data($1, $2) as held';
  if (selection.limit === null && selection.skip === 0)
    return searchOf(`${held}, count(*)::double precision as count ${matching}`, parameters);
  const part = `limit ${parameters.add(selection.limit, 'bigint')} offset ${parameters.add(selection.skip, 'bigint')}`;
  return searchOf(`${held}, count(*)::double precision as count from (select ${matching} ${part}) t`, parameters);
}
