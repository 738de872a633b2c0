import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import type { Condition, Selection } from '../protocol/data-calls.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import type { ModelType } from './database.ts';
import type { DatabaseObject } from './database-object.ts';
import { includeTree } from './include-tree.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { preload } from './preload.ts';
import { readPages } from './read-pages.ts';

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
  readonly preloaded: readonly DatabaseObject[] | null;
}

export async function readAll(plan: QueryPlan): Promise<DatabaseObject[]> {
  const { type, include, preloaded } = plan;
  if (preloaded !== null) return [...preloaded];
  const objects: DatabaseObject[] = [];
  for await (const page of readPages(type, selectionOf(plan), { firstPage: 1000 })) {
    for (const row of page) objects.push(type.fromRow(row as WireValue[]));
  }
  await preload(type, objects, includeTree(type, include));
  return objects;
}

export async function readFirst(plan: QueryPlan): Promise<DatabaseObject | null> {
  if (plan.preloaded !== null) return plan.preloaded[0] ?? null;
  const [first] = await readAll({ ...plan, limit: Math.min(plan.limit ?? 1, 1) });
  return first ?? null;
}

/** One after another, read in pages as they are asked for: the first page is small, for those who stop early. */
export async function* streamObjects(plan: QueryPlan): AsyncGenerator<DatabaseObject, undefined> {
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

export async function forEachObject(
  plan: QueryPlan,
  work: (object: DatabaseObject, index: number) => unknown,
): Promise<void> {
  if (typeof work !== 'function')
    throw new CloudCodeError('invalid_query', `forEach takes a function; this is ${describeValue(work)}.`);
  let index = 0;
  for await (const object of streamObjects(plan)) {
    await work(object, index);
    index += 1;
  }
}

export async function countObjects(plan: QueryPlan): Promise<number> {
  if (plan.preloaded !== null) return plan.preloaded.length;
  return plan.type.database.read<number>({ kind: 'count', selection: selectionOf(plan) });
}

/** In one transaction. @returns how many there were */
export async function destroyAll(plan: QueryPlan): Promise<number> {
  const { destroyed } = await plan.type.database.write(newId(), [
    [{ do: 'destroy_all', selection: selectionOf(plan) }],
  ]);
  return destroyed[0] ?? 0;
}

function selectionOf({ type, where, orderBy, skip, limit }: QueryPlan): Selection {
  return { model: type.model.name, where, orderBy, skip, limit };
}
