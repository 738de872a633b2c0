import { CloudCodeError } from '../../core/errors.ts';
import { newId } from './new-id.ts';
import { type ObjectState, occupy, untilFree } from './object-state.ts';
import { sendBatch } from './send-batch.ts';
import { type ForeignFiles, readForeignFiles, snapshotOf } from './snapshot.ts';
import { isUncertain } from './uncertain.ts';

/**
 * Writes what the object holds when its turn comes: at once, or after the write of it that is under way. What is assigned after that moment
 * stays a change.
 * @throws CloudCodeError `object_destroyed`
 */
export async function saveObject(state: ObjectState): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  refuseDestroyed(state);
  const release = occupy([state]);
  try {
    const files: ForeignFiles = new Map();
    const reading = readForeignFiles([state], files);
    if (reading !== null) await reading;
    const write = snapshotOf(state, files);
    if (write === null) return;
    const { database, model } = state.type;
    state.sending(write.snapshot, false);
    await sendBatch(database, newId(), [[{ do: write.do, model: model.name, columns: write.columns, ids: [state.id], rows: `[${write.row}]` }]]);
    state.sent(true);
  } catch (error) {
    state.sent(false);
    if (state.isNew && isUncertain(error)) state.isUncertain = true;
    throw error;
  } finally {
    release();
  }
}

/** @throws CloudCodeError `object_destroyed` for an object that this task destroyed */
export function refuseDestroyed(state: ObjectState): void {
  if (!state.isDestroyed) return;
  throw new CloudCodeError('object_destroyed', `${state.title} was destroyed by this task; it cannot be written any more. Create a new object.`);
}
