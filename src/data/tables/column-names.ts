import { type Field, fieldTypes } from '../model/data-model.ts';
import { columnsOf } from '../statements/columns.ts';

/** The names of all columns that a field of a name can have, by its type. */
export function columnsOfAnyType(name: string): readonly string[] {
  return [...new Set(fieldTypes.flatMap((type) => columnsOf(fieldOf(name, type)).map((column) => column.name)))];
}

export function fieldOf(name: string, type: Field['type']): Field {
  return { name, label: name, type, subtype: null, options: [] };
}
