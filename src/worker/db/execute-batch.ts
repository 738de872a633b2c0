import { CloudCodeError } from '../../core/errors.ts';
import type { ScheduledRun, WriteAnswer } from '../../protocol/data-messages.ts';
import type { Database } from './database.ts';
import { groupOperations, type SingleOperation } from './group-operations.ts';
import { type ObjectState, occupy, type Snapshot, untilFree } from './object-state.ts';
import { refuseDestroyed } from './save-object.ts';
import { type BatchParts, sendBatch } from './send-batch.ts';
import { type ForeignFiles, readForeignFiles, snapshotOf } from './snapshot.ts';
import { isUncertain } from './uncertain.ts';

const nothingDone: WriteAnswer = { destroyed: [], runs: [] };

/** Each object is saved once and destroyed once, in this order. */
export type BatchItem =
  | { readonly do: 'save'; readonly state: ObjectState }
  /** `isSaved`: by an item before this one. */
  | { readonly do: 'destroy'; readonly state: ObjectState; readonly isSaved: boolean }
  | { readonly do: 'schedule'; readonly run: ScheduledRun };

/** A batch as it is sent, and sent again. */
export interface PreparedBatch {
  readonly parts: BatchParts;
  readonly saved: readonly Saved[];
  readonly destroyed: readonly ObjectState[];
}

interface Saved {
  readonly state: ObjectState;
  readonly snapshot: Snapshot;
}

export interface BatchToExecute {
  readonly id: string;
  readonly items: readonly BatchItem[];
  /** As it was sent before; null when it was not. */
  readonly prepared: PreparedBatch | null;
}

/**
 * Carries a batch out, while no other write of its objects is under way. The objects count as saved only afterwards.
 * @throws CloudCodeError
 */
export async function executeBatch(database: Database, { id, items, prepared }: BatchToExecute, onPrepared: (prepared: PreparedBatch) => void): Promise<WriteAnswer> {
  const states = items.flatMap((item) => (item.do === 'schedule' ? [] : [item.state]));
  const free = untilFree(states);
  if (free !== null) await free;
  const release = occupy(states);
  try {
    const batch = prepared ?? (await prepareBatch(items));
    for (const { state, snapshot } of prepared?.saved ?? []) state.sending(snapshot, true);
    onPrepared(batch);
    return await send(database, id, { batch, isRepeated: prepared !== null });
  } catch (error) {
    for (const state of states) state.sent(false);
    throw error;
  } finally {
    release();
  }
}

interface Sending {
  readonly batch: PreparedBatch;
  readonly isRepeated: boolean;
}

async function send(database: Database, id: string, { batch, isRepeated }: Sending): Promise<WriteAnswer> {
  const { parts, saved, destroyed } = batch;
  try {
    const answer = parts.length === 0 ? nothingDone : await sendOnce(database, id, { batch, isRepeated });
    for (const { state } of saved) state.sent(true);
    for (const state of destroyed) state.isDestroyed = true;
    return answer;
  } catch (error) {
    if (isUncertain(error)) {
      for (const { state } of saved) state.isUncertain ||= state.isNew;
      for (const state of destroyed) state.isUncertain = true;
    }
    throw error;
  }
}

async function sendOnce(database: Database, id: string, sending: Sending): Promise<WriteAnswer> {
  try {
    return await sendBatch(database, id, sending.batch.parts);
  } catch (error) {
    return answerOfEarlier(error, sending);
  }
}

/** A batch that only destroys one object is not noted in the database: that the object is gone means that an earlier try has done it. */
function answerOfEarlier(error: unknown, { batch: { parts, saved, destroyed }, isRepeated }: Sending): WriteAnswer {
  const isOneDestroy = saved.length === 0 && destroyed.length === 1 && parts.length === 1 && parts[0]?.length === 1;
  if (isRepeated && isOneDestroy && error instanceof CloudCodeError && error.code === 'object_destroyed') return nothingDone;
  throw error;
}

async function prepareBatch(items: readonly BatchItem[]): Promise<PreparedBatch> {
  const toSave = items.flatMap((item) => (item.do === 'save' ? [item.state] : []));
  const files: ForeignFiles = new Map();
  const reading = readForeignFiles(toSave, files);
  if (reading !== null) await reading;
  for (const state of toSave) refuseDestroyed(state);
  const saved: Saved[] = [];
  const destroyed: ObjectState[] = [];
  const parts = groupOperations(operationsOf(items, { files, saved, destroyed }));
  return { parts, saved, destroyed };
}

interface Preparation {
  readonly files: ForeignFiles;
  readonly saved: Saved[];
  readonly destroyed: ObjectState[];
}

function* operationsOf(items: readonly BatchItem[], { files, saved, destroyed }: Preparation): Generator<SingleOperation> {
  for (const item of items) {
    if (item.do === 'schedule') {
      yield item;
      continue;
    }
    const { state } = item;
    const { type: { model }, id } = state;
    if (item.do === 'destroy') {
      if (state.isDestroyed) continue;
      destroyed.push(state);
      // What was never stored is not there to be destroyed.
      if (!state.isNew || state.isUncertain || item.isSaved) yield { do: 'destroy', model: model.name, id, isSaved: item.isSaved };
      continue;
    }
    const write = snapshotOf(state, files);
    if (write === null) continue;
    state.sending(write.snapshot, false);
    saved.push({ state, snapshot: write.snapshot });
    yield { do: write.do, model: model.name, columns: write.columns, id, row: write.row };
  }
}
