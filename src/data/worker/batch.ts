import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { parseScheduleRequest, type ScheduledRun } from '../../engine/core/schedule-request.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { forTask } from '../../engine/worker/task-error.ts';
import { typeOfCollection } from './collection.ts';
import { DatabaseObject } from './database-object.ts';
import { type Database, isUncertain, type ModelType, type ObjectState } from './database.ts';
import { type BatchItem, executeBatch, type PreparedBatch } from './execute-batch.ts';
import { readIncrement, readSaveOptions, refuseDestroyed } from './write-object.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

export interface BatchAnswer {
  /** The runs, in the order of the calls of `scheduleTask`. */
  readonly scheduled: readonly { readonly id: string }[];
  /** The new values, in the order of the calls of `increment`. */
  readonly incremented: readonly Readonly<Record<string, number>>[];
}

/**
 * Many writes in one transaction: all of them or none. Of an object is written what it holds when `execute` is called; of a run, what its
 * options are when `scheduleTask` is called.
 */
export class Batch {
  readonly #database: Database;
  #items: BatchItem[] = [];
  /** What becomes of each object so far. */
  readonly #objects = new Map<ObjectState, 'saved' | 'destroyed'>();
  /** Ids. */
  readonly #incremented = new Set<string>();
  #id = newId();
  /** Sent, and nobody knows whether it was carried out. */
  #unsettled: PreparedBatch | null = null;
  #executing: Promise<BatchAnswer> | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `ifUnchanged` refuses the batch when somebody else has saved the object since it was read. @throws CloudCodeError `invalid_value`, `unknown_option`, `object_destroyed`, `batch_pending` */
  save(object: unknown, options?: unknown): void {
    const state = this.#stateOf('save', object);
    const { ifUnchanged } = readSaveOptions('batch.save', options);
    refuseDestroyed(state);
    if (ifUnchanged && this.#incremented.has(state.id)) {
      throw new CloudCodeError(
        'invalid_value',
        `${state.title} is incremented by this batch already, so that it is not unchanged when it is saved. Call save before increment.`,
      );
    }
    const known = this.#objects.get(state);
    if (known === 'destroyed') {
      throw new CloudCodeError(
        'object_destroyed',
        `${state.title} is destroyed by this batch already; it cannot be saved after that.`,
      );
    }
    if (known === undefined) this.#items.push({ do: 'save', state, ifUnchanged });
    else if (ifUnchanged)
      this.#items = this.#items.map((item) =>
        item.do === 'save' && item.state === state ? { ...item, ifUnchanged } : item,
      );
    this.#objects.set(state, 'saved');
  }

  /**
   * Adds to numbers of an object: `increment(object, { count: 1 })`, or `increment(DB.asset, id, { count: 1 })`. What the object holds here stays as it is until it is read again.
   * @throws CloudCodeError `invalid_value`, `unknown_field`, `batch_pending`
   */
  increment(of: unknown, ...given: readonly unknown[]): void {
    const [type, id, amounts] = this.#targetOf(of, given);
    const increment = readIncrement(type, 'batch.increment', { id, amounts });
    this.#items.push({ do: 'increment', increment });
    this.#incremented.add(increment.id);
  }

  /** @throws CloudCodeError `invalid_value`, `batch_pending` */
  destroy(object: unknown): void {
    const state = this.#stateOf('destroy', object);
    const known = this.#objects.get(state);
    if (known !== 'destroyed') this.#items.push({ do: 'destroy', state, isSaved: known === 'saved' });
    this.#objects.set(state, 'destroyed');
  }

  /** Takes what `CloudCode.scheduleTask` takes. @throws CloudCodeError with the code of the first option that is wrong, `batch_pending` */
  scheduleTask(options: unknown): void {
    this.#refusePending();
    const run: ScheduledRun = { ...forTask(() => parseScheduleRequest(options, new Date())), id: newId() };
    this.#items.push({ do: 'schedule', run });
  }

  /**
   * Carries it out. When it is lost whether that was done, calling it again finds out and does nothing twice. Afterwards the batch is empty.
   * @throws CloudCodeError what the database refuses with; then nothing was done
   */
  execute(): Promise<BatchAnswer> {
    this.#executing ??= this.#execute();
    return this.#database.track(this.#executing);
  }

  async #execute(): Promise<BatchAnswer> {
    try {
      return await this.#executeItems();
    } finally {
      this.#executing = null;
    }
  }

  async #executeItems(): Promise<BatchAnswer> {
    if (this.#items.length === 0) return { scheduled: [], incremented: [] };
    const batch = { id: this.#id, items: this.#items, prepared: this.#unsettled };
    try {
      const { runs, incremented } = await executeBatch(this.#database, batch, (prepared) => {
        this.#unsettled = prepared;
      });
      this.#items = [];
      this.#objects.clear();
      this.#incremented.clear();
      this.#id = newId();
      this.#unsettled = null;
      return { scheduled: runs.map((id) => ({ id })), incremented };
    } catch (error) {
      if (!isUncertain(error)) this.#unsettled = null;
      throw error;
    }
  }

  #targetOf(of: unknown, given: readonly unknown[]): readonly [type: ModelType, id: unknown, amounts: unknown] {
    const type = typeOfCollection(of);
    this.#refusePending();
    if (type !== null) return [type, given[0], given[1]];
    const state = this.#stateOf('increment', of);
    return [state.type, state.id, given[0]];
  }

  #stateOf(call: string, object: unknown): ObjectState {
    this.#refusePending();
    const state = DatabaseObject.stateOf(object);
    if (state !== null) return state;
    const hint = Array.isArray(object)
      ? 'Call it for each of them.'
      : object instanceof Promise
        ? 'Await it first.'
        : '';
    throw new CloudCodeError(
      'invalid_value',
      `batch.${call} takes an object of the data model; this is ${describeValue(object)}. ${hint}`.trimEnd(),
    );
  }

  #refusePending(): void {
    if (this.#executing === null && this.#unsettled === null) return;
    const why =
      this.#executing === null
        ? 'It is not known whether this batch was carried out. Call execute() again to find out'
        : 'This batch is being executed. Await execute()';
    throw new CloudCodeError('batch_pending', `${why}, or make a new one, before adding to it.`);
  }

  [inspectMark](): string {
    const count = (kind: BatchItem['do']): number => this.#items.filter((item) => item.do === kind).length;
    return `DB.Batch (${count('save')} to save, ${count('increment')} to increment, ${count('destroy')} to destroy, ${count('schedule')} to schedule)`;
  }
}
