import { type Attachment, isAttachment, storedAttachment } from '../model/attachment.ts';
import type { Field } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { type FieldValue, type FieldWire, fromWire, isReadable } from '../model/field-values.ts';
import type { FileWire, ObjectState } from './object-state.ts';

/** The value of a field as a task sees it. @throws CloudCodeError `invalid_value` when another program stored what is none */
export function readField(state: ObjectState, field: Field, place: number): FieldValue {
  const value = readableAt(state, field, place);
  if (value === null || typeof value !== 'object' || isAttachment(value)) return fromWire(field, value);
  return Object.hasOwn(value, 'key') ? storedFile(state, field, value as unknown as FileWire) : fromWire(field, value);
}

/** The value of a field as it travels. @throws as readField */
export function readableAt(state: ObjectState, field: Field, place: number): FieldWire {
  const value = state.valueAt(place);
  if (isReadable(field, value)) return value;
  const stored = typeof value === 'string' ? value : JSON.stringify(value);
  throw new CloudCodeError(
    'invalid_value',
    `${state.type.model.name}.${field.name} of ${state.id} is stored as ${stored}, which is no ${field.type}: another program has written it. Assign a value, or null, and save it.`,
  );
}

function storedFile(state: ObjectState, field: Field, { key, ...file }: FileWire): Attachment {
  const { database, model } = state.type;
  const { id } = state;
  const read = async (): Promise<Uint8Array> => {
    const base64 = await database.read<string | null>({
      kind: 'read_file',
      model: model.name,
      id,
      field: field.name,
      key,
    });
    if (base64 !== null) return Uint8Array.from(Buffer.from(base64, 'base64'));
    throw new CloudCodeError(
      'file_replaced',
      `The file of ${model.name}.${field.name} of ${id} is not stored any more: it was replaced, or its object destroyed. reload() the object.`,
    );
  };
  return storedAttachment(file, { key, read: () => database.track(read()) });
}
