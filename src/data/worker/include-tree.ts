import { CloudCodeError } from '../../engine/core/errors.ts';
import type { BelongsTo, HasMany } from '../model/data-model.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import type { ModelType } from './database.ts';

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
