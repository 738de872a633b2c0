import type { BelongsTo, Field, Model } from '../model/data-model.ts';

/** A column of a model's table. All but the id may be null. */
export interface Column {
  readonly name: string;
  /** As `create table` takes it. */
  readonly type: string;
}

export const idColumn: Column = { name: 'id', type: 'uuid' };

const text = 'text collate "C"';
const time = 'timestamp(3) with time zone';

/**
 * The columns that hold a field. Most fields have one, of the field's name; a location and a stored file have several, named `<field>.<part>`,
 * which no field can be called. Text is ordered by code point: the same on every server.
 */
export function columnsOf(field: Field): readonly Column[] {
  switch (field.type) {
    case 'text':
    case 'single-choice':
      return [{ name: field.name, type: text }];
    case 'integer':
    case 'single-choice-integer':
      return [{ name: field.name, type: 'integer' }];
    case 'number':
      return [{ name: field.name, type: 'double precision' }];
    case 'date':
      return [{ name: field.name, type: 'date' }];
    case 'datetime':
      return [{ name: field.name, type: time }];
    case 'boolean':
      return [{ name: field.name, type: 'boolean' }];
    case 'multiple-choice':
      return [{ name: field.name, type: 'text[]' }];
    case 'multiple-choice-integer':
      return [{ name: field.name, type: 'integer[]' }];
    case 'location':
      return [
        ...['latitude', 'longitude', 'altitude', 'horizontal_accuracy', 'vertical_accuracy'].map((part) => ({
          name: `${field.name}.${part}`,
          type: 'double precision',
        })),
        { name: `${field.name}.timestamp`, type: time },
      ];
    case 'attachment':
    case 'photo':
    case 'signature':
      return [
        { name: `${field.name}.key`, type: 'uuid' },
        { name: `${field.name}.filename`, type: 'text' },
        { name: `${field.name}.content_type`, type: 'text' },
        { name: `${field.name}.size`, type: 'integer' },
        { name: `${field.name}.bytes`, type: 'bytea' },
      ];
  }
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
