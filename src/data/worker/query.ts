import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { forTask } from '../../engine/worker/task-error.ts';
import { checkCondition } from '../expression/check-condition.ts';
import { checkOrder } from '../expression/check-order.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import type { Condition, Selection } from '../protocol/data-calls.ts';
import type { ModelObject, ModelType } from './database.ts';
import { includeTree, preload } from './include.ts';
import { readPages } from './read-pages.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The objects of a model that meet conditions. It never changes: each step of the chain gives another. Nothing is read until it is asked for. */
export class Query {
  readonly #plan: QueryPlan;

  constructor(plan: QueryPlan) {
    this.#plan = plan;
    Object.freeze(this);
  }

  /** The same query, with the objects that are its answer already; what is chained to it asks the database. */
  static answered(query: Query, objects: readonly ModelObject[]): Query {
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

  toArray(): Promise<ModelObject[]> {
    return this.#tracked(readAll(this.#plan));
  }

  /** The first one, or null. Without an order, any. */
  first(): Promise<ModelObject | null> {
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
  forEach(work: (object: ModelObject, index: number) => unknown): Promise<void> {
    return this.#tracked(forEachObject(this.#plan, work));
  }

  /** `for await`: reads in pages, as it goes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ModelObject> {
    const objects = streamObjects(this.#plan);
    const iterator: AsyncIterableIterator<ModelObject> = {
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

/** What a query asks for. */
export interface QueryPlan {
  readonly type: ModelType;
  readonly where: readonly Condition[];
  readonly orderBy: readonly string[];
  readonly skip: number;
  readonly limit: number | null;
  /** Paths of relationships, checked. */
  readonly include: readonly string[];
  /** Objects that were read before and are the answer; null when the database has to be asked. */
  readonly preloaded: readonly ModelObject[] | null;
}

async function readAll(plan: QueryPlan): Promise<ModelObject[]> {
  const { type, include, preloaded } = plan;
  if (preloaded !== null) return [...preloaded];
  const objects: ModelObject[] = [];
  for await (const page of readPages(type, selectionOf(plan), { firstPage: 1000 })) {
    for (const row of page) objects.push(type.fromRow(row as WireValue[]));
  }
  await preload(type, objects, includeTree(type, include));
  return objects;
}

async function readFirst(plan: QueryPlan): Promise<ModelObject | null> {
  if (plan.preloaded !== null) return plan.preloaded[0] ?? null;
  const [first] = await readAll({ ...plan, limit: Math.min(plan.limit ?? 1, 1) });
  return first ?? null;
}

/** One after another, read in pages as they are asked for: the first page is small, for those who stop early. */
async function* streamObjects(plan: QueryPlan): AsyncGenerator<ModelObject, undefined> {
  const { type, include, preloaded } = plan;
  if (preloaded !== null) {
    yield* preloaded;
    return;
  }
  const tree = includeTree(type, include);
  for await (const page of readPages(type, selectionOf(plan), { firstPage: 100 })) {
    const objects = page.map((row) => type.fromRow(row as WireValue[]));
    await preload(type, objects, tree);
    yield* objects;
  }
}

async function forEachObject(plan: QueryPlan, work: (object: ModelObject, index: number) => unknown): Promise<void> {
  if (typeof work !== 'function')
    throw new CloudCodeError('invalid_query', `forEach takes a function; this is ${describeValue(work)}.`);
  let index = 0;
  for await (const object of streamObjects(plan)) {
    await work(object, index);
    index += 1;
  }
}

async function countObjects(plan: QueryPlan): Promise<number> {
  if (plan.preloaded !== null) return plan.preloaded.length;
  return plan.type.database.read<number>({ kind: 'count', selection: selectionOf(plan) });
}

/** In one transaction. @returns how many there were */
async function destroyAll(plan: QueryPlan): Promise<number> {
  const { destroyed } = await plan.type.database.write(newId(), [
    [{ do: 'destroy_all', selection: selectionOf(plan) }],
  ]);
  return destroyed[0] ?? 0;
}

function selectionOf({ type, where, orderBy, skip, limit }: QueryPlan): Selection {
  return { model: type.model.name, where, orderBy, skip, limit };
}
