import type { BelongsTo } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import type { DatabaseObject } from './database-object.ts';
import type { ObjectState } from './object-state.ts';
import { readById } from './read-by-id.ts';
import { isUuid } from './uuid.ts';

/**
 * The object that a belongs-to refers to: the one that was set, included or read before, else it is read and kept.
 * Null when there is none, or it was destroyed.
 */
export async function readBelongsTo(
  state: ObjectState,
  { name, model }: BelongsTo,
  place: number,
): Promise<DatabaseObject | null> {
  const id = state.idAt(place);
  if (id === null) return null;
  const known = state.related.get(name);
  if (known !== undefined && 'object' in known && known.id === id) return known.object;
  const type = state.type.database.typeOf(model);
  const row = await readById(type, id);
  if (row === null) return null;
  const object = type.fromRow(row);
  state.related.set(name, { id, object });
  return object;
}

export interface Setting {
  readonly belongsTo: BelongsTo;
  readonly place: number;
  /** What was given, and what it holds when it is an object. */
  readonly other: unknown;
  readonly otherState: ObjectState | null;
}

/** @throws CloudCodeError `invalid_value` when it is no object of the model, and not null */
export function setBelongsTo(state: ObjectState, { belongsTo, place, other, otherState }: Setting): void {
  const { name, model } = belongsTo;
  if (other !== null && otherState?.type.model.name !== model)
    throw new CloudCodeError(
      'invalid_value',
      refusalOf(`${state.type.model.name}.${name}`, { belongsTo, other, otherState }),
    );
  state.assign(place, otherState?.id ?? null);
  if (otherState === null) state.related.delete(name);
  else state.related.set(name, { id: otherState.id, object: other as DatabaseObject });
}

function refusalOf(title: string, { belongsTo: { name, model }, other, otherState }: Omit<Setting, 'place'>): string {
  if (otherState !== null)
    return `${title}: this is an object of \`${otherState.type.model.name}\`; it must be one of \`${model}\`, or null.`;
  const fix =
    typeof other === 'string'
      ? `To set it by its id: object.${name}_id = id.`
      : other instanceof Promise
        ? 'Await it first.'
        : 'Give null for none.';
  return `${title}: ${describeValue(other)} is no object of \`${model}\`. ${fix}`;
}

/** @throws CloudCodeError `invalid_value` when it is no UUID, and not null */
export function assignId(
  state: ObjectState,
  { belongsTo: { name }, place, id }: { readonly belongsTo: BelongsTo; readonly place: number; readonly id: unknown },
): void {
  if (id !== null && !isUuid(id)) {
    const fix = typeof id === 'object' ? `Assign its id, or call object.${name}(it).` : 'An id is a UUID, or null.';
    throw new CloudCodeError(
      'invalid_value',
      `${state.type.model.name}.${name}_id: ${describeValue(id)} is no id. ${fix}`,
    );
  }
  state.assign(place, id === null ? null : id.toLowerCase());
}
