import { checkOrder } from '../expression/check-order.ts';
import type { SelectCall } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { tableName } from './columns.ts';
import { compileWhere } from './compile-expression.ts';
import { orderBy, placesAfter } from './page-order.ts';
import { type RowShape, rowShapeOf } from './row-json.ts';
import { openParameters, searchOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/** A page ends with the object that brings it to about this many bytes, so that it fits into one frame of the channel, whatever is escaped. */
const pageBytes = 4 * 1024 * 1024;

/**
 * A page of objects, at most `pageSize` and at least one when any is left. Gives one row: `{ objects }` for a page of one, else `{ columns, cut }`, where
 * `objects` and `columns` are texts of JSON arrays.
 * Without an order, a selection of a single object gives any that matches.
 * @throws CloudCodeError `unknown_model`, `invalid_expression`, `invalid_order`
 */
export function selectPage(target: DataTarget, caller: Caller, { selection, after, pageSize }: SelectCall): Statement {
  const model = modelOf(target, selection.model);
  const parameters = openParameters(caller);
  const shape = rowShapeOf(model);
  const terms = checkOrder(model, selection.orderBy);
  const where = compileWhere(model, selection.where, parameters);
  const most = Math.min(pageSize, selection.limit ?? pageSize);
  const limit = `limit ${parameters.add(most, 'bigint')}`;
  const order = orderBy(terms);
  const rows = `select ${shape.columns} from ${tableName(target.schema, model.name)} t where ${where}`;
  const one = most === 1 ? objectOf : columnsOf;
  if (after !== null) {
    const places = placesAfter(model, { terms, after }, parameters).map(
      (place) => `(${rows} and ${place} order by ${order} ${limit})`,
    );
    return searchOf(
      one(
        shape,
        order,
        places.length === 1
          ? places.join('')
          : `select * from (${places.join(' union all ')}) t order by ${order} ${limit}`,
      ),
      parameters,
    );
  }
  const offset = selection.skip > 0 ? ` offset ${parameters.add(selection.skip, 'bigint')}` : '';
  // Sorted by id, a rare object would be looked for through all others.
  const isAny = selection.limit === 1 && terms.length === 0 && selection.skip === 0;
  return searchOf(
    one(shape, order, isAny ? `${rows} ${limit}` : `${rows} order by ${order} ${limit}${offset}`),
    parameters,
  );
}

// The fence is checked in the select list: a condition that can hold for no row would take a WHERE, and the check in it, out of the plan.

function objectOf(shape: RowShape, _order: string, page: string): string {
  return `
    select cloudcode.attempt_holds_data($1, $2) as held, coalesce((select json_build_array(${shape.json}) from (${page}) t), '[]')::text as objects`;
}

// The rows come out of the window in its order, and json_agg takes them so; to sort them there again would take a tenth of the page's time. The columns are
// joined in an array, because functions take no more than 100 arguments.
function columnsOf(shape: RowShape, order: string, page: string): string {
  const columns = shape.values.map((value) => `json_agg(${value}) filter (where t.".fits")::text`);
  return `
    select cloudcode.attempt_holds_data($1, $2) as held,
      '[' || array_to_string(array[${columns.join(', ')}], ',') || ']' as columns,
      coalesce(bool_or(not t.".fits"), false) as cut
    from (
      select t.*, coalesce(sum(${shape.size}) over w, 0) < ${pageBytes} as ".fits" from (${page}) t
      window w as (order by ${order} rows between unbounded preceding and 1 preceding)
    ) t`;
}
