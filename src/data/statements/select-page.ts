import { checkOrder } from '../expression/check-order.ts';
import type { SelectCall } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { tableName } from './columns.ts';
import { compileWhere } from './compile-expression.ts';
import { orderBy, placesAfter } from './page-order.ts';
import { type RowShape, rowShapeOf } from './row-json.ts';
import { openParameters, type Parameters, searchOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/** A page ends with the object that brings it to about this many bytes, so that it fits into one frame of the channel, whatever is escaped. */
const pageBytes = 4 * 1024 * 1024;

/**
 * A page of objects, at most `pageSize` and at least one when any is left. Gives one row: `{ objects }` for a page of one, else `{ columns, cut: false, hasLarge }`, where
 * `objects` and `columns` are texts of JSON arrays. With `hasLarge` the columns are not complete: an object has more than its share of a page's bytes, and the page is to be asked for with `selectLargePage`.
 * Without an order, a selection of a single object gives any that matches.
 * @throws CloudCodeError `unknown_model`, `invalid_expression`, `invalid_order`
 */
export function selectPage(target: DataTarget, caller: Caller, call: SelectCall): Statement {
  const { shape, parameters, max, rows } = describePage(target, caller, call);
  if (max === 1)
    return searchOf(
      `${held}, coalesce((select json_build_array(${shape.json}) from (${rows('')}) t), '[]')::text as objects`,
      parameters,
    );
  const share = parameters.add(Math.floor(pageBytes / Math.max(max, 1)), 'integer');
  return searchOf(
    `${held}, ${columnsOf(shape, '".isSmall"')}, false as cut, coalesce(bool_or(not t.".isSmall"), false) as "hasLarge"
    from (${rows(`, ${shape.size} <= ${share} as ".isSmall"`)}) t`,
    parameters,
  );
}

/** A page whose objects may be of any size: `{ columns, cut }`. To find its end takes a fifth of the time of `selectPage`. @throws as selectPage */
export function selectLargePage(target: DataTarget, caller: Caller, call: SelectCall): Statement {
  const { shape, parameters, order, rows } = describePage(target, caller, call);
  // The rows come out of the window in its order, and json_agg takes them so; to sort them there again would take a tenth of the page's time.
  return searchOf(
    `${held}, ${columnsOf(shape, '".fits"')}, coalesce(bool_or(not t.".fits"), false) as cut
    from (
      select t.*, coalesce(sum(${shape.size}) over w, 0) < ${pageBytes} as ".fits" from (${rows('')}) t
      window w as (order by ${order} rows between unbounded preceding and 1 preceding)
    ) t`,
    parameters,
  );
}

// The fence is checked in the select list: a condition that can hold for no row would take a WHERE, and the check in it, out of the plan.
const held = 'select cloudcode.attempt_holds_data($1, $2) as held';

// The columns are joined in an array, because functions take no more than 100 arguments.
function columnsOf(shape: RowShape, isMeant: string): string {
  const columns = shape.values.map((value) => `json_agg(${value}) filter (where t.${isMeant})::text`);
  return `'[' || array_to_string(array[${columns.join(', ')}], ',') || ']' as columns`;
}

interface PageDescription {
  readonly shape: RowShape;
  readonly parameters: Parameters;
  readonly max: number;
  readonly order: string;
  /** The rows of the page, with more columns. */
  readonly rows: (more: string) => string;
}

function describePage(target: DataTarget, caller: Caller, { selection, after, pageSize }: SelectCall): PageDescription {
  const model = modelOf(target, selection.model);
  const parameters = openParameters(caller);
  const shape = rowShapeOf(model);
  const terms = checkOrder(model, selection.orderBy);
  const where = compileWhere(model, selection.where, parameters);
  const max = Math.min(pageSize, selection.limit ?? pageSize);
  const limit = `limit ${parameters.add(max, 'bigint')}`;
  const order = orderBy(terms);
  const select = (more: string): string =>
    `select ${shape.columns}${more} from ${tableName(target.schema, model.name)} t where ${where}`;
  if (after !== null) {
    const places = placesAfter(model, { terms, after }, parameters);
    const rows = (more: string): string => {
      const parts = places.map((place) => `(${select(more)} and ${place} order by ${order} ${limit})`);
      return parts.length === 1
        ? parts.join('')
        : `select * from (${parts.join(' union all ')}) t order by ${order} ${limit}`;
    };
    return { shape, parameters, max, order, rows };
  }
  const offset = selection.skip > 0 ? ` offset ${parameters.add(selection.skip, 'bigint')}` : '';
  // Sorted by id, a rare object would be looked for through all others.
  const isAny = selection.limit === 1 && terms.length === 0 && selection.skip === 0;
  const rows = (more: string): string => `${select(more)}${isAny ? '' : ` order by ${order}`} ${limit}${offset}`;
  return { shape, parameters, max, order, rows };
}
