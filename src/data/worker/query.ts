import { checkCondition } from '../expression/check-condition.ts';
import { checkOrder } from '../expression/check-order.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { forTask } from '../../engine/worker/task-error.ts';
import type { ModelType } from './database.ts';
import type { DatabaseObject } from './database-object.ts';
import { includeTree } from './include-tree.ts';
import {
  countObjects,
  destroyAll,
  forEachObject,
  type QueryPlan,
  readAll,
  readFirst,
  streamObjects,
} from './run-query.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The objects of a model that meet conditions. It never changes: each step of the chain gives another. Nothing is read until it is asked for. */
export class Query {
  readonly #plan: QueryPlan;

  constructor(plan: QueryPlan) {
    this.#plan = plan;
    Object.freeze(this);
  }

  /** The same query, with the objects that are its answer already; what is chained to it asks the database. */
  static answered(query: Query, objects: readonly DatabaseObject[]): Query {
    return new Query({ ...query.#plan, preloaded: objects });
  }

  /** Of these, those that meet this condition too. @throws CloudCodeError `invalid_expression` */
  where(expression: string, ...args: readonly unknown[]): Query {
    const condition = forTask(() => checkCondition(this.#plan.type.model, expression, args));
    return this.#with({ where: [...this.#plan.where, condition] });
  }

  /** In this order, and no other that was asked for before. @throws CloudCodeError `invalid_order` */
  orderBy(...fields: readonly string[]): Query {
    forTask(() => checkOrder(this.#plan.type.model, fields));
    return this.#with({ orderBy: fields });
  }

  /** At most so many. */
  limit(count: number): Query {
    return this.#with({ limit: checkCount('limit', count) });
  }

  /** Without the first ones. */
  skip(count: number): Query {
    return this.#with({ skip: checkCount('skip', count) });
  }

  /** Reads what these belong to, or have, with them: a query for each relationship instead of one for each object. @throws CloudCodeError `unknown_field` */
  include(...paths: readonly string[]): Query {
    const include = [...this.#plan.include, ...paths];
    includeTree(this.#plan.type, include);
    return this.#with({ include });
  }

  toArray(): Promise<DatabaseObject[]> {
    return this.#tracked(readAll(this.#plan));
  }

  /** The first one, or null. Without an order, any. */
  first(): Promise<DatabaseObject | null> {
    return this.#tracked(readFirst(this.#plan));
  }

  count(): Promise<number> {
    return this.#tracked(countObjects(this.#plan));
  }

  /** Destroys them in the database, in one transaction. @returns how many there were */
  destroyAll(): Promise<number> {
    return this.#tracked(destroyAll(this.#plan));
  }

  /** Calls `work` with one after another, and waits for each call. A million do not fill the memory: they are read in pages. */
  forEach(work: (object: DatabaseObject, index: number) => unknown): Promise<void> {
    return this.#tracked(forEachObject(this.#plan, work));
  }

  /** `for await`: reads in pages, as it goes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<DatabaseObject> {
    const objects = streamObjects(this.#plan);
    const iterator: AsyncIterableIterator<DatabaseObject> = {
      next: () => this.#tracked(objects.next()),
      return: () => this.#tracked(objects.return(undefined)),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  toJSON(): never {
    throw new CloudCodeError(
      'invalid_query',
      `A query of \`${this.#plan.type.model.name}\` has no JSON: nothing was read yet. Use what \`await query.toArray()\` gives.`,
    );
  }

  [inspectMark](): string {
    const { type, where, preloaded } = this.#plan;
    if (preloaded !== null)
      return `query of ${type.model.name}: ${preloaded.length} objects were included; use toArray()`;
    const conditions = where.map(({ expression }) => `(${expression})`).join(' and ');
    return `query of ${type.model.name}${conditions === '' ? '' : ` where ${conditions}`}: nothing was read yet; use toArray()`;
  }

  #with(change: Partial<QueryPlan>): Query {
    return new Query({ ...this.#plan, preloaded: null, ...change });
  }

  #tracked<Result>(promise: Promise<Result>): Promise<Result> {
    return this.#plan.type.database.track(promise);
  }
}

/** All objects of a model. */
export function allOf(type: ModelType): Query {
  return new Query({ type, where: [], orderBy: [], skip: 0, limit: null, include: [], preloaded: null });
}

function checkCount(name: string, count: unknown): number {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw new CloudCodeError('invalid_query', `${name} takes a whole number from 0; this is ${describeValue(count)}.`);
}
