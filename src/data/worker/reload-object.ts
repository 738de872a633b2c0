import { CloudCodeError } from '../../engine/core/errors.ts';
import { type ObjectState, occupy, untilFree } from './object-state.ts';
import { readById } from './read-by-id.ts';

/**
 * Reads the object again and drops what was changed before the call, and what was read of its relationships.
 * @throws CloudCodeError `object_destroyed` when it is not there any more, `invalid_query` when it was never stored
 */
export async function reloadObject(state: ObjectState): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  if (state.isNew && !state.isUncertain)
    throw new CloudCodeError(
      'invalid_query',
      `${state.title} is not stored yet, so there is nothing to read. save() it first.`,
    );
  const release = occupy([state]);
  try {
    const changes = state.changedPlaces().map((place) => [place, state.valueAt(place)] as const);
    const row = await readById(state.type, state.id);
    if (row === null)
      throw new CloudCodeError('object_destroyed', `${state.title} is not there any more: it was destroyed elsewhere.`);
    state.row = row;
    state.isNew = false;
    state.related.clear();
    for (const [place, value] of changes) state.forget(place, value);
  } finally {
    release();
  }
}
