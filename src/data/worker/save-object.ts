import { CloudCodeError } from '../../engine/core/errors.ts';
import type { WriteOperation } from '../protocol/data-calls.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { type ObjectState, occupy, untilFree } from './object-state.ts';
import type { SaveOptions } from './save-options.ts';
import { type ForeignFiles, readForeignFiles, snapshotOf } from './snapshot.ts';
import { isUncertain } from './uncertain.ts';

/**
 * Writes what the object holds when its turn comes: at once, or after the write of it that is under way. What is assigned after that moment
 * stays a change.
 * @throws CloudCodeError `object_destroyed`, `object_changed`
 */
export async function saveObject(state: ObjectState, options: SaveOptions): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  refuseDestroyed(state);
  const release = occupy([state]);
  try {
    const files: ForeignFiles = new Map();
    const reading = readForeignFiles([state], files);
    if (reading !== null) await reading;
    const write = snapshotOf(state, files, options);
    if (write === null) return;
    const { database, model } = state.type;
    state.sending(write.snapshot, false);
    const operation: WriteOperation = {
      do: write.do,
      model: model.name,
      columns: write.columns,
      ids: [state.id],
      rows: `[${write.row}]`,
      version: write.version,
    };
    const { version } = await database.write(newId(), [[operation]]);
    state.stored(version);
  } catch (error) {
    state.failed();
    if (state.isNew && isUncertain(error)) state.isUncertain = true;
    throw error;
  } finally {
    release();
  }
}

/** @throws CloudCodeError `object_destroyed` for an object that this task destroyed */
export function refuseDestroyed(state: ObjectState): void {
  if (!state.isDestroyed) return;
  throw new CloudCodeError(
    'object_destroyed',
    `${state.title} was destroyed by this task; it cannot be written any more. Create a new object.`,
  );
}
