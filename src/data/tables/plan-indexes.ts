import type { Model } from '../model/data-model.ts';
import { quoteName, tableName } from '../statements/columns.ts';
import { type IndexShape, indexShape, isOwnIndex, replacementName } from './index-shape.ts';
import type { Step } from './apply-step.ts';
import type { CatalogIndex, Relation } from './read-catalog.ts';

interface IndexPlan {
  readonly indexes: readonly Step[];
  /** Of indexes that the model has no more: after all that is needed is there. */
  readonly drops: readonly Step[];
}

/** The indexes of a table that tasks may be using: built and dropped beside its readers and writers. */
export function planIndexes(schema: string, { indexes }: Relation, model: Model): IndexPlan {
  const own = new Map([...indexes].filter(([name]) => isOwnIndex(model.name, name)));
  const wanted = model.indexes.map((index) => indexShape(model, index));
  const kept = new Set(wanted.flatMap(({ name }) => [name, replacementName(name)]));
  return {
    indexes: wanted.flatMap((shape) => planIndex({ schema, model: model.name, shape }, own)),
    drops: [...own.keys()]
      .filter((name) => !kept.has(name))
      .sort()
      .map((name) => dropIndex(schema, name)),
  };
}

interface Wanted {
  readonly schema: string;
  readonly model: string;
  readonly shape: IndexShape;
}

/**
 * An index of another shape stays until the new one is built, under a name of its own, and takes its place. What an interrupted deployment
 * left is finished where it is whole, and else removed.
 */
function planIndex(wanted: Wanted, own: ReadonlyMap<string, CatalogIndex>): readonly Step[] {
  const { schema, model, shape } = wanted;
  const temporary = replacementName(shape.name);
  const [current, replacement] = [own.get(shape.name), own.get(temporary)];
  const dropReplacement = replacement === undefined ? [] : [dropIndex(schema, temporary)];
  if (isWhole(current, shape)) return dropReplacement;
  const rename: Step = {
    what: `putting the new index ${shape.name} in its place`,
    sql: `alter index ${tableName(schema, temporary)} rename to ${quoteName(shape.name)}`,
    waits: 'briefly',
  };
  const dropCurrent = current === undefined ? [] : [dropIndex(schema, shape.name)];
  if (isWhole(replacement, shape)) return [...dropCurrent, rename];
  if (current?.isValid !== true) return [...dropReplacement, ...dropCurrent, buildIndex(wanted)];
  return [
    ...dropReplacement,
    buildIndex({ schema, model, shape: { ...shape, name: temporary } }),
    ...dropCurrent,
    rename,
  ];
}

function isWhole(index: CatalogIndex | undefined, shape: IndexShape): boolean {
  return index?.isValid === true && index.method === shape.method && index.columns?.join() === shape.columns.join();
}

function buildIndex(wanted: Wanted): Step {
  const name = wanted.shape.name;
  return {
    what: `building index ${name}`,
    sql: createIndex('create index concurrently', wanted),
    waits: 'patiently',
    // Writers keep up an unfinished index too, and fail where it cannot take a value.
    undo: `drop index concurrently if exists ${tableName(wanted.schema, name)}`,
  };
}

export function createIndex(
  create: 'create index' | 'create index concurrently',
  { schema, model, shape }: Wanted,
): string {
  return `${create} ${quoteName(shape.name)} on ${tableName(schema, model)} using ${shape.method} (${shape.columns.map(quoteName).join(', ')})`;
}

function dropIndex(schema: string, name: string): Step {
  return {
    what: `dropping index ${name}`,
    sql: `drop index concurrently ${tableName(schema, name)}`,
    waits: 'patiently',
  };
}
