import type { BelongsTo, Field, FieldType, Model } from '../model/data-model.ts';
import type { Attribute } from '../expression/attributes.ts';

/** A column of a model's table. All but the id may be null. */
export interface Column {
  readonly name: string;
  /** As `create table` takes it. */
  readonly type: string;
}

export const idColumn: Column = { name: 'id', type: 'uuid' };

/** How the fields of a type are stored: the part in SQL of data/model/field-types.ts. */
interface StoredType {
  /** Most have one, of the field's name; several are named `<field>.<part>`, which no field can be called. The first is null when the field is. */
  readonly columns: (name: string) => readonly Column[];
  /** What its first column is compared with. A whole number's is wider than its column. */
  readonly comparedWith: string;
  /** Its value, as it travels, from the row `t`. Dates and numbers are written in JSON the same whatever the session's settings; times would depend on its time zone. */
  readonly json: (name: string) => string;
  /** The same in a column of a page, where it differs. */
  readonly pageJson?: (name: string) => string;
  /** Whether its values have no bound that matters. */
  readonly isLong: boolean;
}

// Text is ordered by code point: the same on every server.
const text = 'text collate "C"';
const time = 'timestamp(3) with time zone';
const measures = ['latitude', 'longitude', 'altitude', 'horizontal_accuracy', 'vertical_accuracy'];

function oneColumn(type: string, comparedWith: string = type): StoredType {
  return { columns: (name) => [{ name, type }], comparedWith, json: ofRow, isLong: false };
}

const storedFile: StoredType = {
  columns: (name) => [
    { name: `${name}.key`, type: 'uuid' },
    { name: `${name}.filename`, type: 'text' },
    { name: `${name}.content_type`, type: 'text' },
    { name: `${name}.size`, type: 'integer' },
    { name: `${name}.bytes`, type: 'bytea' },
  ],
  comparedWith: 'text',
  json: (name) => {
    const part = (of: string): string => ofRow(`${name}.${of}`);
    return `case when ${part('key')} is not null then json_build_object('key', ${part('key')}, 'filename', ${part('filename')}, 'contentType', ${part('content_type')}, 'size', ${part('size')}) end`;
  },
  isLong: false,
};

const storedTypes: Readonly<Record<FieldType, StoredType>> = {
  text: { ...oneColumn(text, 'text'), isLong: true },
  integer: oneColumn('integer', 'bigint'),
  number: oneColumn('double precision'),
  date: oneColumn('date'),
  datetime: {
    ...oneColumn(time, 'timestamptz'),
    json: (name) => isoTime(ofRow(name)),
    pageJson: (name) => inUtc(ofRow(name)),
  },
  boolean: oneColumn('boolean'),
  'single-choice': oneColumn(text, 'text'),
  'single-choice-integer': oneColumn('integer', 'bigint'),
  'multiple-choice': oneColumn('text[]'),
  'multiple-choice-integer': oneColumn('integer[]'),
  location: {
    columns: (name) => [
      ...measures.map((part) => ({ name: `${name}.${part}`, type: 'double precision' })),
      { name: `${name}.timestamp`, type: time },
    ],
    comparedWith: 'text',
    json: (name) => {
      const part = (of: string): string => ofRow(`${name}.${of}`);
      const numbers = measures.map((each) => `'${each}', ${part(each)}`);
      return `case when ${part('latitude')} is not null then json_build_object(${numbers.join(', ')}, 'timestamp', ${isoTime(part('timestamp'))}) end`;
    },
    isLong: false,
  },
  attachment: storedFile,
  photo: storedFile,
  signature: storedFile,
};

export function storedType({ type }: Pick<Field, 'type'>): StoredType {
  return storedTypes[type];
}

/** The columns that hold a field. */
export function columnsOf(field: Pick<Field, 'name' | 'type'>): readonly Column[] {
  return storedType(field).columns(field.name);
}

/** The column that holds the id of the object that a belongs-to refers to. */
export function belongsToColumn(belongsTo: BelongsTo): Column {
  return { name: `${belongsTo.name}_id`, type: 'uuid' };
}

/** The columns of a model's table but the id. */
export function columnsOfModel(model: Model): readonly Column[] {
  return [...model.fields.flatMap(columnsOf), ...model.belongsTo.map(belongsToColumn)];
}

/** A name as SQL takes it, whatever it is made of. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The table of a model in an environment's schema, as SQL takes it. */
export function tableName(schema: string, model: string): string {
  return `${quoteName(schema)}.${quoteName(model)}`;
}

/** A column of the row `t`. */
export function ofRow(column: string): string {
  return `t.${quoteName(column)}`;
}

// What to_char gives in ISO 8601 with milliseconds, in a third of its time: the microsecond makes JSON write all digits. Times that a task cannot have come as other text.
function isoTime(value: string): string {
  const iso = `substr(to_json(${inUtc(value)} + interval '1 microsecond')::text, 2, 23) || 'Z'`;
  return `case when ${value} >= '0001-01-01 00:00:00+00' and ${value} < '10000-01-01 00:00:00+00' then ${iso} else ${value}::text end`;
}

function inUtc(value: string): string {
  return `${value} at time zone 'UTC'`;
}

/** The column of the table `t` that shows an attribute; of a location or a stored file the one that is null when it is. */
export function columnOf(attribute: Attribute): string {
  return ofRow(columnName(attribute));
}

function columnName(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'id':
      return idColumn.name;
    case 'belongs-to':
      return belongsToColumn(attribute.belongsTo).name;
    case 'field':
      return columnsOf(attribute.field)[0]?.name ?? attribute.field.name;
  }
}

/** The type of the values that an attribute is compared with. */
export function typeOf(attribute: Attribute): string {
  return attribute.kind === 'field' ? storedType(attribute.field).comparedWith : idColumn.type;
}
