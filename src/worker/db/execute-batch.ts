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

export type BatchItem =
  | { readonly do: 'save' | 'destroy'; readonly state: ObjectState }
  | { readonly do: 'schedule'; readonly run: ScheduledRun };

/** A batch as it is sent, and sent again. */
export interface PreparedBatch {
  readonly parts: BatchParts;
  readonly snapshots: ReadonlyMap<ObjectState, Snapshot>;
  readonly destroyed: ReadonlySet<ObjectState>;
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
  const states = new Set(items.flatMap((item) => (item.do === 'schedule' ? [] : [item.state])));
  const free = untilFree(states);
  if (free !== null) await free;
  const release = occupy(states);
  try {
    const batch = prepared ?? (await prepareBatch(items, states));
    onPrepared(batch);
    return await send(database, id, { batch, isRepeated: prepared !== null });
  } finally {
    release();
  }
}

interface Sending {
  readonly batch: PreparedBatch;
  readonly isRepeated: boolean;
}

async function send(database: Database, id: string, { batch, isRepeated }: Sending): Promise<WriteAnswer> {
  const { parts, snapshots, destroyed } = batch;
  for (const [state, snapshot] of snapshots) state.sending(snapshot);
  try {
    const answer = parts.length === 0 ? nothingDone : await sendBatch(database, id, parts).catch((error: unknown) => answerOfEarlier(error, { batch, isRepeated }));
    for (const state of snapshots.keys()) state.sent(true);
    for (const state of destroyed) state.isDestroyed = true;
    return answer;
  } catch (error) {
    for (const state of snapshots.keys()) state.sent(false);
    if (isUncertain(error)) for (const state of [...snapshots.keys(), ...destroyed]) state.isUncertain ||= state.isNew || destroyed.has(state);
    throw error;
  }
}

/** A batch that only destroys one object is not noted in the database: that the object is gone means that an earlier try has done it. */
function answerOfEarlier(error: unknown, { batch: { parts, snapshots, destroyed }, isRepeated }: Sending): WriteAnswer {
  const isOneDestroy = snapshots.size === 0 && destroyed.size === 1 && parts.length === 1 && parts[0]?.length === 1;
  if (isRepeated && isOneDestroy && error instanceof CloudCodeError && error.code === 'object_destroyed') return nothingDone;
  throw error;
}

async function prepareBatch(items: readonly BatchItem[], states: ReadonlySet<ObjectState>): Promise<PreparedBatch> {
  const saved = items.flatMap((item) => (item.do === 'save' ? [item.state] : []));
  const files: ForeignFiles = new Map();
  const reading = readForeignFiles(saved, files);
  if (reading !== null) await reading;
  for (const state of saved) refuseDestroyed(state);
  const snapshots = new Map<ObjectState, Snapshot>();
  const destroyed = new Set<ObjectState>([...states].filter((state) => state.isDestroyed));
  const parts = groupOperations(operationsOf(items, { files, snapshots, destroyed }));
  return { parts, snapshots, destroyed };
}

interface Preparation {
  readonly files: ForeignFiles;
  readonly snapshots: Map<ObjectState, Snapshot>;
  readonly destroyed: Set<ObjectState>;
}

function* operationsOf(items: readonly BatchItem[], { files, snapshots, destroyed }: Preparation): Generator<SingleOperation> {
  for (const item of items) {
    if (item.do === 'schedule') {
      yield item;
      continue;
    }
    const { state } = item;
    const { type: { model }, id } = state;
    if (item.do === 'destroy' && !destroyed.has(state)) {
      destroyed.add(state);
      // What was never stored is not there to be destroyed.
      if (!state.isNew || snapshots.has(state)) yield { do: 'destroy', model: model.name, id };
    }
    if (item.do === 'save' && !snapshots.has(state)) {
      const write = snapshotOf(state, files);
      if (write === null) continue;
      snapshots.set(state, write.snapshot);
      yield { do: write.do, model: model.name, columns: write.columns, id, row: write.row };
    }
  }
}
