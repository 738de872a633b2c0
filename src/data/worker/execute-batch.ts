import { CloudCodeError } from '../../engine/core/errors.ts';
import type { ScheduledRun } from '../../engine/core/schedule-request.ts';
import type { BatchParts } from '../../engine/worker/batch-parts.ts';
import { nothingWritten, type WriteAnswer } from '../protocol/data-answers.ts';
import type { BatchOperation } from '../protocol/data-calls.ts';
import { type Database, isUncertain, type ObjectState, occupy, type Snapshot, untilFree } from './database.ts';
import { groupOperations, type SingleOperation } from './group-operations.ts';
import { type ForeignFiles, readForeignFiles, snapshotOf } from './object-values.ts';
import { type Increment, refuseDestroyed, sumsOf } from './write-object.ts';

/** Each object is saved once and destroyed once, in this order. */
export type BatchItem =
  | { readonly do: 'save'; readonly state: ObjectState; readonly ifUnchanged: boolean }
  | { readonly do: 'increment'; readonly increment: Increment }
  /** `isSaved`: by an item before this one. */
  | { readonly do: 'destroy'; readonly state: ObjectState; readonly isSaved: boolean }
  | { readonly do: 'schedule'; readonly run: ScheduledRun };

/** A batch as it is sent, and sent again. */
export interface PreparedBatch {
  readonly parts: BatchParts<BatchOperation>;
  readonly saved: readonly Saved[];
  readonly destroyed: readonly ObjectState[];
  readonly increments: readonly Increment[];
}

/** What was done. `incremented`: the new values, in the order of the items. */
export interface Executed {
  readonly runs: readonly string[];
  readonly incremented: readonly Readonly<Record<string, number>>[];
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
export async function executeBatch(
  database: Database,
  { id, items, prepared }: BatchToExecute,
  onPrepared: (prepared: PreparedBatch) => void,
): Promise<Executed> {
  const states = items.flatMap((item) => ('state' in item ? [item.state] : []));
  const free = untilFree(states);
  if (free !== null) await free;
  const release = occupy(states);
  try {
    const batch = prepared ?? (await prepareBatch(items));
    for (const { state, snapshot } of prepared?.saved ?? []) state.sending(snapshot, true);
    onPrepared(batch);
    return await send(database, id, { batch, isRepeated: prepared !== null });
  } catch (error) {
    for (const state of states) state.failed();
    throw error;
  } finally {
    release();
  }
}

interface Sending {
  readonly batch: PreparedBatch;
  readonly isRepeated: boolean;
}

async function send(database: Database, id: string, { batch, isRepeated }: Sending): Promise<Executed> {
  const { parts, saved, destroyed, increments } = batch;
  try {
    const answer = parts.length === 0 ? nothingWritten : await sendOnce(database, id, { batch, isRepeated });
    const others = new Set([...answer.overwritten, ...increments.map((increment) => increment.id)]);
    for (const { state } of saved) state.stored(others.has(state.id) ? null : answer.version);
    for (const state of destroyed) state.isDestroyed = true;
    return { runs: answer.runs, incremented: sumsInOrder(batch, answer) };
  } catch (error) {
    if (isUncertain(error)) {
      for (const { state } of saved) state.isUncertain ||= state.isNew;
      for (const state of destroyed) state.isUncertain = true;
    }
    throw error;
  }
}

/** The answer has them in the order of the operations: of one object that is the order of the items. */
function sumsInOrder({ parts, increments }: PreparedBatch, { incremented }: WriteAnswer): Executed['incremented'] {
  const ids = parts.flat().flatMap((operation) => (operation.do === 'increment' ? operation.ids : []));
  const sums = Map.groupBy(
    incremented.map((values, place) => ({ id: ids[place], values })),
    ({ id }) => id,
  );
  return increments.map(({ id, fields }) => sumsOf(fields, sums.get(id)?.shift()?.values ?? []));
}

async function sendOnce(database: Database, id: string, sending: Sending): Promise<WriteAnswer> {
  try {
    return await database.write(id, sending.batch.parts);
  } catch (error) {
    return answerOfEarlier(error, sending);
  }
}

/** A batch that only destroys one object is not noted in the database: that the object is gone means that an earlier try has done it. */
function answerOfEarlier(error: unknown, { batch: { parts, saved, destroyed }, isRepeated }: Sending): WriteAnswer {
  const isOneDestroy = saved.length === 0 && destroyed.length === 1 && parts.length === 1 && parts[0]?.length === 1;
  if (isRepeated && isOneDestroy && error instanceof CloudCodeError && error.code === 'object_destroyed')
    return nothingWritten;
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
  const increments = items.flatMap((item) => (item.do === 'increment' ? [item.increment] : []));
  const parts = groupOperations(
    operationsOf(items, { files, saved, destroyed, touched: increments.length === 0 ? null : new Set() }),
  );
  return { parts, saved, destroyed, increments };
}

interface Preparation {
  readonly files: ForeignFiles;
  readonly saved: Saved[];
  readonly destroyed: ObjectState[];
  /** The ids so far, where some are incremented: those may come several times. */
  readonly touched: Set<string> | null;
}

function* operationsOf(
  items: readonly BatchItem[],
  { touched, ...preparation }: Preparation,
): Generator<SingleOperation> {
  for (const item of items) {
    const operation = operationOf(item, preparation);
    if (operation === null) continue;
    if (operation.do === 'schedule' || touched === null) {
      yield operation;
      continue;
    }
    yield touched.has(operation.id) ? { ...operation, follows: true } : operation;
    touched.add(operation.id);
  }
}

function operationOf(
  item: BatchItem,
  { files, saved, destroyed }: Omit<Preparation, 'touched'>,
): SingleOperation | null {
  if (item.do === 'schedule') return item;
  if (item.do === 'increment') {
    const { model, fields, id, row } = item.increment;
    return { do: 'increment', model, columns: fields, id, row };
  }
  const { state } = item;
  const {
    type: { model },
    id,
  } = state;
  if (item.do === 'destroy') {
    if (state.isDestroyed) return null;
    destroyed.push(state);
    // What was never stored is not there to be destroyed.
    return !state.isNew || state.isUncertain || item.isSaved
      ? { do: 'destroy', model: model.name, id, follows: item.isSaved }
      : null;
  }
  const write = snapshotOf(state, files, item);
  if (write === null) return null;
  state.sending(write.snapshot, false);
  saved.push({ state, snapshot: write.snapshot });
  const { columns, version } = write;
  return write.do === 'insert'
    ? { do: 'insert', model: model.name, columns, id, row: write.row, version }
    : { do: 'update', model: model.name, columns, id, values: write.values, characters: write.characters, version };
}
