import { createHash } from 'node:crypto';
import type { Field } from '../model/data-model.ts';
import { fieldTypes } from '../model/field-types.ts';
import { columnsOf } from '../statements/columns.ts';

const hashDigits = 12;

/** A name of ASCII, cut to what PostgreSQL takes of it; then it ends with `~` and a hash, so that no two become one. */
export function shortName(name: string, maxLength: number): string {
  if (name.length <= maxLength) return name;
  return `${name.slice(0, maxLength - hashDigits - 1)}~${createHash('sha256').update(name).digest('hex').slice(0, hashDigits)}`;
}

/** The names of all columns that a field of a name can have, by its type. */
export function columnsOfAnyType(name: string): readonly string[] {
  return [...new Set(fieldTypes.flatMap((type) => columnsOf(fieldOf(name, type)).map((column) => column.name)))];
}

export function fieldOf(name: string, type: Field['type']): Field {
  return { name, label: name, type, subtype: null, options: [] };
}
