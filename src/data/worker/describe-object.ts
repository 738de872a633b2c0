import { isAttachment } from '../model/attachment.ts';
import { type FieldWire, isReadable } from '../model/field-values.ts';
import type { FileWire, ObjectState } from './object-state.ts';
import { readableAt, readField } from './read-field.ts';

/** The values of an object as JSON has them: its id, its fields, the ids of what it belongs to. @throws CloudCodeError `invalid_value` as readField */
export function objectToJson(state: ObjectState): Record<string, unknown> {
  const { columns, model } = state.type;
  return Object.fromEntries(
    columns.map((column, place) => {
      const field = model.fields[place - 1];
      return [column, jsonOf(field === undefined ? state.valueAt(place) : readableAt(state, field, place))];
    }),
  );
}

/** A copy of a value as it travels; but of files not the key: that means something to the database only. */
function jsonOf(value: FieldWire): unknown {
  if (value === null || typeof value !== 'object' || isAttachment(value)) return value;
  if (!Object.hasOwn(value, 'key')) return structuredClone(value);
  const { filename, contentType, size } = value as unknown as FileWire;
  return { filename, contentType, size };
}

/** For people: the values that are not null, and whether they are stored. */
export function inspectObject(state: ObjectState, inspect: (value: unknown) => string): string {
  const { columns, model } = state.type;
  const values = columns.flatMap((column, place) => {
    const field = model.fields[place - 1];
    const stored = state.valueAt(place);
    const value = field === undefined || !isReadable(field, stored) ? stored : readField(state, field, place);
    return value === null ? [] : [[column, value] as const];
  });
  return `${model.name}${conditionOf(state)} ${inspect(Object.fromEntries(values))}`;
}

function conditionOf(state: ObjectState): string {
  if (state.isDestroyed) return ' (destroyed)';
  if (state.isNew) return ' (new)';
  return state.changedPlaces().length > 0 ? ' (changed)' : '';
}
