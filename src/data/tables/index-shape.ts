import type { Model, ModelIndex } from '../model/data-model.ts';
import { belongsToColumn, type Column, columnsOf, idColumn } from '../statements/columns.ts';
import { shortName } from './names.ts';

/** How an index of a model is stored. */
export interface IndexShape {
  /** Within the schema. */
  readonly name: string;
  readonly method: 'btree' | 'gin';
  readonly columns: readonly string[];
}

// PostgreSQL's limit is 63 bytes (names are ASCII); four are for the mark of a replacement.
const maxName = 59;
/** PostgreSQL's limit. */
const maxColumns = 32;

/**
 * The id comes last, so that paging through an order is served too. The keys of a multiple choice are found by an index of another kind, which has
 * no order: they are left out where they stand among others.
 */
export function indexShape(model: Model, index: ModelIndex): IndexShape {
  const columns = index.on.flatMap((name) => columnOf(model, name));
  const ordered = columns.filter(({ type }) => !type.endsWith('[]'));
  const name = indexName(model.name, index.name);
  if (ordered.length === 0) return { name, method: 'gin', columns: columns.map((column) => column.name) };
  return { name, method: 'btree', columns: [...ordered, idColumn].slice(0, maxColumns).map((column) => column.name) };
}

function columnOf(model: Model, name: string): readonly Column[] {
  const field = model.fields.find((each) => each.name === name);
  return field === undefined
    ? model.belongsTo.filter((each) => each.name === name).map(belongsToColumn)
    : columnsOf(field);
}

/** `<model>.<index>`: the dot is in no name of a model, so that no table can be called so. */
function indexName(model: string, index: string): string {
  return shortName(`${model}.${index}`, maxName);
}

/** What an index is called while it is built to take the place of another. */
export function replacementName(name: string): string {
  return `${name}~new`;
}

/** Whether an index of a model's table is one of ours, to change and to drop. */
export function isOwnIndex(model: string, name: string): boolean {
  return name.startsWith(`${model}.`);
}
