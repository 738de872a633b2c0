import type { Model } from '../model/data-model.ts';
import { belongsToColumn, columnsOf, idColumn, ofRow, quoteName, storedType } from './columns.ts';

/** How the objects of a model are read from the rows of `t`. */
export interface RowShape {
  /** The columns that are needed, for a select list. Not the bytes of files. */
  readonly columns: string;
  /** An object as the protocol has it: a JSON array. */
  readonly json: string;
  /** The values of an object, in the order of the array, as the columns of a page have them. */
  readonly values: readonly string[];
  /** About its bytes: only text is without a bound. Does not read long texts to tell. */
  readonly size: string;
}

/** No field can be called so. */
export const versionColumn = '.version';

const shapes = new WeakMap<Model, RowShape>();

export function rowShapeOf(model: Model): RowShape {
  const known = shapes.get(model) ?? describeRow(model);
  shapes.set(model, known);
  return known;
}

function describeRow(model: Model): RowShape {
  const ids = [idColumn, ...model.belongsTo.map(belongsToColumn)].map(({ name }) => ofRow(name));
  const fields = model.fields.flatMap(columnsOf).filter(({ type }) => type !== 'bytea');
  const valuesOf = (fields: readonly string[]): readonly string[] => [
    ofRow(idColumn.name),
    ...fields,
    ...model.belongsTo.map((each) => ofRow(belongsToColumn(each).name)),
    ofRow(versionColumn),
  ];
  const texts = model.fields
    .filter((field) => storedType(field).isLong)
    .map(({ name }) => `coalesce(octet_length(${ofRow(name)}), 0)`);
  return {
    columns: [...ids, ...fields.map(({ name }) => ofRow(name)), `t.xmin as ${quoteName(versionColumn)}`].join(', '),
    json: jsonArray(valuesOf(model.fields.map((field) => storedType(field).json(field.name)))),
    values: valuesOf(
      model.fields.map((field) => {
        const { json, pageJson = json } = storedType(field);
        return pageJson(field.name);
      }),
    ),
    size: [String(40 * ids.length + 25 * fields.length), ...texts].join(' + '),
  };
}

// A function of PostgreSQL takes at most 100 arguments; an array has no such limit, but takes longer.
const maxArguments = 100;

function jsonArray(parts: readonly string[]): string {
  return parts.length <= maxArguments
    ? `json_build_array(${parts.join(', ')})`
    : `array_to_json(array[${parts.map((part) => `to_json(${part})`).join(', ')}])`;
}
