import type { BatchParts } from '../../engine/worker/batch-parts.ts';
import type { Model } from '../model/data-model.ts';
import type { BatchOperation, ReadCall } from '../protocol/data-calls.ts';
import type { WireValue, WriteAnswer } from '../protocol/data-answers.ts';
import type { DatabaseObject } from './database-object.ts';
import type { ObjectState } from './object-state.ts';

/** What the parts of `DB` share. */
export interface Database {
  /** The type of a model that is there. */
  typeOf(model: string): ModelType;
  /** Asks the runner. @throws what it refuses with, as a task gets to see it */
  read<Answer>(request: ReadCall): Promise<Answer>;
  /** Carries a batch out, all of it or nothing. To do it again with its id does nothing twice. @throws as read */
  write(id: string, parts: BatchParts<BatchOperation>): Promise<WriteAnswer>;
  /** Every promise that a task gets passes through here: the run is unfinished before it is settled. */
  track<Result>(promise: Promise<Result>): Promise<Result>;
}

/** A model with the class of its objects. */
export interface ModelType {
  readonly database: Database;
  readonly model: Model;
  /** `id`, the fields, then `<belongs-to>_id`: as in a row. */
  readonly columns: readonly string[];
  /** The places of what an insert writes: all but `id`. */
  readonly written: readonly number[];
  /** The places of stored files. */
  readonly fileFields: readonly number[];
  /** Where in a row a column is. */
  readonly placeOf: (column: string) => number;
  /** What can be assigned to an object, by name, and what refuses to be. */
  readonly setters: ReadonlyMap<string, (state: ObjectState, value: unknown) => void>;
  /** The state of a new object, not stored. */
  readonly newState: () => ObjectState;
  readonly objectOf: (state: ObjectState) => DatabaseObject;
  /** An object as it was read. It keeps the row. */
  readonly fromRow: (row: WireValue[]) => DatabaseObject;
}
