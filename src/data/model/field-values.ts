import { CloudCodeError } from '../../engine/core/errors.ts';
import { toJson } from '../../engine/core/to-json.ts';
import { isAttachment } from './attachment.ts';
import type { RefuseValue } from './check-values.ts';
import type { Field } from './data-model.ts';
import { type FieldValue, type FieldWire, type TypeOfField, typesOfFields } from './field-types.ts';

export type { FieldValue, FieldWire } from './field-types.ts';

/** What a field of its type is to a task. */
export function typeOfField({ type }: Pick<Field, 'type'>): TypeOfField {
  return typesOfFields[type];
}

/**
 * Checks a value that is assigned to a field of a model, and takes a copy of it. Of a choice, what the object has already is taken too, whatever the options are now.
 * @throws CloudCodeError `invalid_value`, naming model, field and value
 */
export function toWire(model: string, field: Field, value: unknown, held: FieldWire = null): FieldWire {
  if (value === null) return null;
  const refuse: RefuseValue = (is, hint) =>
    new CloudCodeError('invalid_value', `${model}.${field.name}: ${is}`, { hint });
  if (value === undefined) throw refuse('undefined is no value.', 'Assign null to empty the field.');
  return typeOfField(field).toWire(value, { options: field.options, held, refuse });
}

/** The value that a task sees: a copy, or one that cannot be changed. */
export function fromWire(field: Field, wire: FieldWire): FieldValue {
  return wire === null ? null : typeOfField(field).fromWire(wire);
}

/**
 * Whether a stored value is one of its field, and can be read: other programs may have stored NaN, `infinity` or a year before Christ, which come as text. A list or key is one, whatever the options
 * are now.
 */
export function isReadable(field: Field, wire: unknown): boolean {
  return wire === null || typeOfField(field).isReadable(wire);
}

/** Whether two checked values of one field are the same. */
export function isSameValue(one: FieldWire, other: FieldWire): boolean {
  if (one === other) return true;
  if (
    typeof one !== 'object' ||
    typeof other !== 'object' ||
    one === null ||
    other === null ||
    isAttachment(one) ||
    isAttachment(other)
  )
    return false;
  return toJson(one) === toJson(other);
}
