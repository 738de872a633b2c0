import { CloudCodeError } from '../../core/errors.ts';
import { describeValue } from '../../core/parameters-json.ts';
import { parseScheduleRequest } from '../../core/schedule-request.ts';
import type { ScheduledRun } from '../../protocol/data-messages.ts';
import { forTask } from '../task-error.ts';
import type { Database } from './database.ts';
import { DatabaseObject } from './database-object.ts';
import { executeBatch, type BatchItem, type PreparedBatch } from './execute-batch.ts';
import { newId } from './new-id.ts';
import type { ObjectState } from './object-state.ts';
import { refuseDestroyed } from './save-object.ts';
import { isUncertain } from './uncertain.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

export interface BatchAnswer {
  /** The runs, in the order of the calls of `scheduleTask`. */
  readonly scheduled: readonly { readonly id: string }[];
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
  #id = newId();
  /** Sent, and nobody knows whether it was carried out. */
  #unsettled: PreparedBatch | null = null;
  #executing: Promise<BatchAnswer> | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws CloudCodeError `invalid_value`, `object_destroyed`, `batch_pending` */
  save(object: unknown): void {
    const state = this.#stateOf('save', object);
    refuseDestroyed(state);
    const known = this.#objects.get(state);
    if (known === 'destroyed') {
      throw new CloudCodeError('object_destroyed', `${state.title} is destroyed by this batch already; it cannot be saved after that.`);
    }
    if (known === undefined) this.#items.push({ do: 'save', state });
    this.#objects.set(state, 'saved');
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
    return this.#database.handOut(this.#executing);
  }

  async #execute(): Promise<BatchAnswer> {
    try {
      return await this.#executeItems();
    } finally {
      this.#executing = null;
    }
  }

  async #executeItems(): Promise<BatchAnswer> {
    if (this.#items.length === 0) return { scheduled: [] };
    const batch = { id: this.#id, items: this.#items, prepared: this.#unsettled };
    try {
      const { runs } = await executeBatch(this.#database, batch, (prepared) => {
        this.#unsettled = prepared;
      });
      this.#items = [];
      this.#objects.clear();
      this.#id = newId();
      this.#unsettled = null;
      return { scheduled: runs.map((id) => ({ id })) };
    } catch (error) {
      if (!isUncertain(error)) this.#unsettled = null;
      throw error;
    }
  }

  #stateOf(call: string, object: unknown): ObjectState {
    this.#refusePending();
    const state = DatabaseObject.stateOf(object);
    if (state !== null) return state;
    const hint = Array.isArray(object) ? 'Call it for each of them.' : object instanceof Promise ? 'Await it first.' : '';
    throw new CloudCodeError('invalid_value', `batch.${call} takes an object of the data model; this is ${describeValue(object)}. ${hint}`.trimEnd());
  }

  #refusePending(): void {
    if (this.#executing === null && this.#unsettled === null) return;
    const why = this.#executing === null ? 'It is not known whether this batch was carried out. Call execute() again to find out' : 'This batch is being executed. Await execute()';
    throw new CloudCodeError('batch_pending', `${why}, or make a new one, before adding to it.`);
  }

  [inspectMark](): string {
    const count = (kind: BatchItem['do']): number => this.#items.filter((item) => item.do === kind).length;
    return `DB.Batch (${count('save')} to save, ${count('destroy')} to destroy, ${count('schedule')} to schedule)`;
  }
}
