import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import type { BelongsTo, HasMany } from '../model/data-model.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import { DatabaseObject } from './database-object.ts';
import type { ModelObject, ModelType, ObjectState } from './database.ts';
import { readPages } from './read-pages.ts';

/** Relationships of a model that are read with its objects, by name; each with those of the objects it leads to. */
export type IncludeTree = Map<string, IncludeNode>;

export interface IncludeNode {
  readonly relationship:
    | { readonly kind: 'belongs-to'; readonly to: BelongsTo }
    | { readonly kind: 'has-many'; readonly of: HasMany };
  readonly type: ModelType;
  readonly children: IncludeTree;
}

/**
 * The tree of paths such as `building.owner`.
 * @throws CloudCodeError `invalid_query` for what is no path, `unknown_field` for a name that is no relationship
 */
export function includeTree(type: ModelType, paths: readonly unknown[]): IncludeTree {
  const tree: IncludeTree = new Map();
  for (const path of paths) {
    if (typeof path !== 'string' || path === '') {
      throw new CloudCodeError(
        'invalid_query',
        `include takes names of relationships; this is ${describeValue(path)}. Write include('building.owner').`,
      );
    }
    let at: { readonly type: ModelType; readonly children: IncludeTree } = { type, children: tree };
    for (const name of path.split('.')) {
      const next = at.children.get(name) ?? includeNode(at.type, name, path);
      at.children.set(name, next);
      at = next;
    }
  }
  return tree;
}

function includeNode({ model, database }: ModelType, name: string, path: string): IncludeNode {
  const to = model.belongsTo.find((belongsTo) => belongsTo.name === name);
  if (to !== undefined)
    return { relationship: { kind: 'belongs-to', to }, type: database.typeOf(to.model), children: new Map() };
  const of = model.hasMany.find((hasMany) => hasMany.name === name);
  if (of !== undefined)
    return { relationship: { kind: 'has-many', of }, type: database.typeOf(of.model), children: new Map() };
  const known = [...model.belongsTo, ...model.hasMany].map((relationship) => relationship.name);
  const nearest = suggest(name, known);
  const hint =
    nearest !== null
      ? `Did you mean \`${nearest}\`?`
      : known.length > 0
        ? `It has ${known.join(', ')}.`
        : 'It has none.';
  const place = path === name ? '' : ` (in include('${path}'))`;
  throw new CloudCodeError(
    'unknown_field',
    `The model \`${model.name}\` has no relationship \`${name}\`${place}. ${hint}`,
  );
}

/** Ids that one query asks for. */
const idsAtOnce = 1000;

/** Reads what objects refer to: for each relationship, and each 1,000 ids, one query. An object that several refer to is one object. */
export async function preload(type: ModelType, objects: readonly ModelObject[], tree: IncludeTree): Promise<void> {
  if (tree.size === 0 || objects.length === 0) return;
  const states = objects.flatMap((object) => DatabaseObject.stateOf(object) ?? []);
  await Promise.all([...tree].map(([name, node]) => preloadOne({ type, objects, states, name }, node)));
}

interface Holders {
  readonly type: ModelType;
  readonly objects: readonly ModelObject[];
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

async function preloadBelongsTo({ type, states, name }: Holders, node: IncludeNode): Promise<readonly ModelObject[]> {
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
): Promise<readonly ModelObject[]> {
  const place = node.type.placeOf(`${inverseOf}_id`);
  const found = await readWhereIn(
    node.type,
    inverseOf,
    states.map(({ id }) => id),
  );
  const holders = new Map(
    states.map((state, index) => [state.id, { object: objects[index] ?? null, has: [] as ModelObject[] }]),
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

async function readWhereIn(type: ModelType, name: string, ids: readonly string[]): Promise<readonly ModelObject[]> {
  const found: ModelObject[] = [];
  for (let start = 0; start < ids.length; start += idsAtOnce) {
    const where = [{ expression: `${name} in ?`, args: [ids.slice(start, start + idsAtOnce)] }];
    const selection = { model: type.model.name, where, orderBy: [], skip: 0, limit: null };
    for await (const page of readPages(type, selection, { firstPage: 1000 }))
      for (const row of page) found.push(type.fromRow(row as WireValue[]));
  }
  return found;
}
