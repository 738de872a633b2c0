import type { WireValue } from '../protocol/data-answers.ts';
import type { ModelType } from './database.ts';
import { DatabaseObject } from './database-object.ts';
import type { IncludeNode, IncludeTree } from './include-tree.ts';
import type { ObjectState } from './object-state.ts';
import { readPages } from './read-pages.ts';

/** Ids that one query asks for. */
const idsAtOnce = 1000;

/** Reads what objects refer to: for each relationship, and each 1,000 ids, one query. An object that several refer to is one object. */
export async function preload(type: ModelType, objects: readonly DatabaseObject[], tree: IncludeTree): Promise<void> {
  if (tree.size === 0 || objects.length === 0) return;
  const states = objects.flatMap((object) => DatabaseObject.stateOf(object) ?? []);
  await Promise.all([...tree].map(([name, node]) => preloadOne({ type, objects, states, name }, node)));
}

interface Holders {
  readonly type: ModelType;
  readonly objects: readonly DatabaseObject[];
  readonly states: readonly ObjectState[];
  /** Of the relationship. */
  readonly name: string;
}

async function preloadOne(holders: Holders, node: IncludeNode): Promise<void> {
  const found =
    node.relationship.kind === 'belongs-to'
      ? await preloadBelongsTo(holders, node)
      : await preloadHasMany(holders, node, node.relationship.of.inverseOf);
  await preload(node.type, found, node.children);
}

async function preloadBelongsTo(
  { type, states, name }: Holders,
  node: IncludeNode,
): Promise<readonly DatabaseObject[]> {
  const place = type.placeOf(`${name}_id`);
  const ids = new Set(states.flatMap((state) => state.idAt(place) ?? []));
  const found = await readWhereIn(node.type, 'id', [...ids]);
  const byId = new Map(found.map((object) => [DatabaseObject.stateOf(object)?.id, object]));
  for (const state of states) {
    const id = state.idAt(place);
    if (id !== null) state.related.set(name, { id, object: byId.get(id) ?? null });
  }
  return found;
}

async function preloadHasMany(
  { states, objects, name }: Holders,
  node: IncludeNode,
  inverseOf: string,
): Promise<readonly DatabaseObject[]> {
  const place = node.type.placeOf(`${inverseOf}_id`);
  const found = await readWhereIn(
    node.type,
    inverseOf,
    states.map(({ id }) => id),
  );
  const holders = new Map(
    states.map((state, index) => [state.id, { object: objects[index] ?? null, has: [] as DatabaseObject[] }]),
  );
  for (const object of found) {
    const state = DatabaseObject.stateOf(object);
    const id = state?.idAt(place) ?? '';
    const holder = holders.get(id);
    holder?.has.push(object);
    // The way back leads to the same object.
    if (holder !== undefined) state?.related.set(inverseOf, { id, object: holder.object });
  }
  for (const state of states) state.related.set(name, { objects: holders.get(state.id)?.has ?? [] });
  return found;
}

async function readWhereIn(type: ModelType, name: string, ids: readonly string[]): Promise<readonly DatabaseObject[]> {
  const found: DatabaseObject[] = [];
  for (let start = 0; start < ids.length; start += idsAtOnce) {
    const where = [{ expression: `${name} in ?`, args: [ids.slice(start, start + idsAtOnce)] }];
    const selection = { model: type.model.name, where, orderBy: [], skip: 0, limit: null };
    for await (const page of readPages(type, selection, { firstPage: 1000 }))
      for (const row of page) found.push(type.fromRow(row as WireValue[]));
  }
  return found;
}
