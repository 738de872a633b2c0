import { CloudCodeError } from '../../engine/core/errors.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { type ObjectState, occupy, untilFree } from './object-state.ts';
import { isUncertain } from './uncertain.ts';

/**
 * Takes an object away. One that was never stored, or that this task has destroyed already, is gone as it should be.
 * @throws CloudCodeError `object_destroyed` when it was destroyed elsewhere
 */
export async function destroyObject(state: ObjectState): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  if (state.isDestroyed) return;
  const release = occupy([state]);
  try {
    if (!state.isNew || state.isUncertain) await sendDestroy(state);
    state.isDestroyed = true;
  } finally {
    release();
  }
}

async function sendDestroy(state: ObjectState): Promise<void> {
  try {
    await state.type.database.write(newId(), [[{ do: 'destroy', model: state.type.model.name, ids: [state.id] }]]);
  } catch (error) {
    // An earlier try has destroyed it, or its insert was never done.
    if (state.isUncertain && error instanceof CloudCodeError && error.code === 'object_destroyed') return;
    if (isUncertain(error)) state.isUncertain = true;
    throw error;
  }
}
