import type { Field, Model } from '../model/data-model.ts';
import { belongsToColumn, columnsOf, idColumn, quoteName } from './columns.ts';

/** How the objects of a model are read from the rows of `t`. */
export interface RowShape {
  /** The columns that are needed, for a select list. Not the bytes of files. */
  readonly columns: string;
  /** An object as the protocol has it: a JSON array. */
  readonly json: string;
  /** The values of an object, in the order of the array. */
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
  const ids = [idColumn, ...model.belongsTo.map(belongsToColumn)].map(({ name }) => column(name));
  const fields = model.fields.flatMap(columnsOf).filter(({ type }) => type !== 'bytea');
  const parts = [
    column(idColumn.name),
    ...model.fields.map(fieldJson),
    ...model.belongsTo.map((each) => column(belongsToColumn(each).name)),
    column(versionColumn),
  ];
  const texts = model.fields
    .filter(({ type }) => type === 'text')
    .map(({ name }) => `coalesce(octet_length(${column(name)}), 0)`);
  return {
    columns: [...ids, ...fields.map(({ name }) => column(name)), `t.xmin as ${quoteName(versionColumn)}`].join(', '),
    json: jsonArray(parts),
    values: parts,
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

/** Dates and numbers are written in JSON the same whatever the session's settings; times would depend on its time zone. */
function fieldJson(field: Field): string {
  const part = (name: string): string => column(`${field.name}.${name}`);
  switch (field.type) {
    case 'datetime':
      return isoTime(column(field.name));
    case 'location': {
      const numbers = ['latitude', 'longitude', 'altitude', 'horizontal_accuracy', 'vertical_accuracy'].map(
        (name) => `'${name}', ${part(name)}`,
      );
      return `case when ${part('latitude')} is not null then json_build_object(${numbers.join(', ')}, 'timestamp', ${isoTime(part('timestamp'))}) end`;
    }
    case 'attachment':
    case 'photo':
    case 'signature':
      return `case when ${part('key')} is not null then json_build_object('key', ${part('key')}, 'filename', ${part('filename')}, 'contentType', ${part('content_type')}, 'size', ${part('size')}) end`;
    case 'text':
    case 'integer':
    case 'number':
    case 'date':
    case 'boolean':
    case 'single-choice':
    case 'single-choice-integer':
    case 'multiple-choice':
    case 'multiple-choice-integer':
      return column(field.name);
  }
}

// What to_char gives in ISO 8601 with milliseconds, in a third of its time: the microsecond makes JSON write all digits. Times that a task cannot have come as other text.
function isoTime(time: string): string {
  const iso = `substr(to_json(${time} at time zone 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'`;
  return `case when ${time} >= '0001-01-01 00:00:00+00' and ${time} < '10000-01-01 00:00:00+00' then ${iso} else ${time}::text end`;
}

function column(name: string): string {
  return `t.${quoteName(name)}`;
}
