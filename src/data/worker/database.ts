import { CloudCodeError, errorCatalogue } from '../../engine/core/errors.ts';
import { attachmentMark } from '../../engine/core/marks.ts';
import { suggest } from '../../engine/core/suggest.ts';
import type { BatchParts } from '../../engine/worker/batch-parts.ts';
import { type Attachment, isAttachment } from '../model/attachment.ts';
import type { Model } from '../model/data-model.ts';
import { type FieldWire, isSameValue } from '../model/field-values.ts';
import type { WireValue, WriteAnswer } from '../protocol/data-answers.ts';
import type { BatchOperation, ReadCall } from '../protocol/data-calls.ts';

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

/** An object of the data model, as a task sees it: a DatabaseObject. */
export interface ModelObject {
  save(options?: unknown): Promise<void>;
  reload(): Promise<void>;
  destroy(): Promise<void>;
  toJSON(): Record<string, unknown>;
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
  readonly objectOf: (state: ObjectState) => ModelObject;
  /** An object as it was read. It keeps the row. */
  readonly fromRow: (row: WireValue[]) => ModelObject;
}

/** A file as it is kept in a row. */
export interface FileWire {
  readonly key: string;
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly size: number;
}

/** What an object refers to, as far as it was read: one object (null when there is none with this id), or a list. */
export type Related =
  | { readonly id: string; readonly object: ModelObject | null }
  | { readonly objects: readonly ModelObject[] };

/** What was sent of an object, by the places in its row: the values as assigned, and as they are kept once it is stored. */
export interface Snapshot {
  readonly places: readonly number[];
  readonly assigned: readonly FieldWire[];
  readonly kept: readonly WireValue[];
}

/** What an object holds: the row as the database has it, and over it what was assigned since. */
export class ObjectState {
  readonly type: ModelType;
  row: WireValue[];
  /** Not stored yet. */
  isNew: boolean;
  isDestroyed = false;
  /** A write that puts it there or takes it away was sent, and its answer was lost. */
  isUncertain = false;
  /** Settles when the write that is under way has settled. One object has one at a time. */
  busy: Promise<void> | null = null;
  // These are made when they are first needed: of a long list, few objects change.
  #changes: (FieldWire | undefined)[] | null = null;
  #related: Map<string, Related> | null = null;
  #sent: Snapshot | null = null;
  #isAssignedSince = false;

  constructor(type: ModelType, row: WireValue[], isNew: boolean) {
    this.type = type;
    this.row = row;
    this.isNew = isNew;
  }

  get id(): string {
    return this.idAt(0) ?? '';
  }

  /** The version that it was read or saved with, behind the columns of its row. Null: there is none, or somebody else has saved it since. */
  get version(): string | null {
    const version = this.row[this.type.columns.length];
    return typeof version === 'string' ? version : null;
  }

  /** `asset 0190…`, for messages. */
  get title(): string {
    return `${this.type.model.name} ${this.id}`;
  }

  /** What was read of its relationships, by their names. */
  get related(): Map<string, Related> {
    return (this.#related ??= new Map());
  }

  valueAt(place: number): FieldWire {
    const changed = this.#changes?.[place];
    return changed === undefined ? ((this.row[place] ?? null) as FieldWire) : changed;
  }

  /** The id in a column that holds one. */
  idAt(place: number): string | null {
    const value = this.valueAt(place);
    return typeof value === 'string' ? value : null;
  }

  /** Where values were assigned that are not stored, in order. */
  changedPlaces(): readonly number[] {
    const places: number[] = [];
    for (let place = 1; place < (this.#changes?.length ?? 0); place += 1)
      if (this.#changes?.[place] !== undefined) places.push(place);
    return places;
  }

  /** A value that the database has already is no change, unless a write under way is about to replace it. */
  assign(place: number, value: FieldWire): void {
    this.#isAssignedSince = true;
    const isSent = this.#sent?.places.includes(place) === true;
    if (isSent || !isKept(value, this.row[place] ?? null))
      (this.#changes ??= this.row.map(() => undefined))[place] = value;
    else if (this.#changes !== null) this.#changes[place] = undefined;
  }

  /** The write of a snapshot begins: one that was taken just now, unless it is sent again. */
  sending(snapshot: Snapshot, isRepeated: boolean): void {
    this.#sent = snapshot;
    this.#isAssignedSince = isRepeated;
  }

  /** The write that was sent has failed. */
  failed(): void {
    this.#sent = null;
  }

  /** The write has settled; what was assigned since its snapshot is still a change. @param version that of the row now; null when somebody else had saved it since it was read */
  stored(version: string | null): void {
    const snapshot = this.#sent;
    this.#sent = null;
    if (snapshot === null) return;
    this.row[this.type.columns.length] = version;
    this.isNew = false;
    this.isUncertain = false;
    snapshot.places.forEach((place, index) => (this.row[place] = snapshot.kept[index] ?? null));
    if (this.#isAssignedSince)
      snapshot.places.forEach((place, index) => this.forget(place, snapshot.assigned[index] ?? null));
    else this.#changes = null;
  }

  /** A change that still has this value is none any more. */
  forget(place: number, value: FieldWire): void {
    const changed = this.#changes?.[place];
    if (changed !== undefined && isSameValue(changed, value) && this.#changes !== null)
      this.#changes[place] = undefined;
  }
}

function isKept(value: FieldWire, kept: WireValue): boolean {
  if (isAttachment(value)) return keyOf(value) !== null && keyOf(value) === (kept as FileWire | null)?.key;
  return isSameValue(value, kept as FieldWire);
}

/** The key under which an attachment was stored when it was read; null for one that was made here. */
function keyOf(attachment: Attachment): string | null {
  const bytes = attachment[attachmentMark];
  return 'own' in bytes ? null : bytes.key;
}

/** Settles when no write of these objects is under way; null when that is so now, so that a snapshot can be taken in the same moment. */
export function untilFree(states: Iterable<ObjectState>): Promise<void> | null {
  const busy: Promise<void>[] = [];
  for (const state of states) if (state.busy !== null) busy.push(state.busy);
  return busy.length === 0 ? null : untilAllFree(busy, states);
}

async function untilAllFree(busy: readonly Promise<void>[], states: Iterable<ObjectState>): Promise<void> {
  for (const write of busy) await write;
  await untilFree(states);
}

/** Takes objects that are free for a write. @returns what ends it */
export function occupy(states: Iterable<ObjectState>): () => void {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  for (const state of states) state.busy = promise;
  return () => {
    for (const state of states) state.busy = null;
    end();
  };
}

/** The error about a name that a model does not have. */
export function unknownField(model: Model, name: string): CloudCodeError {
  const known = assignableNames(model);
  const nearest = suggest(name, known);
  const hint =
    nearest !== null ? `Did you mean \`${nearest}\`?` : known.length > 20 ? '' : `There are ${known.join(', ')}.`;
  return new CloudCodeError('unknown_field', `The model \`${model.name}\` has no field \`${name}\`. ${hint}`.trimEnd());
}

function assignableNames(model: Model): readonly string[] {
  return [...model.fields.map(({ name }) => name), ...model.belongsTo.flatMap(({ name }) => [name, `${name}_id`])];
}

/** Whether a write that failed so may have been done all the same: its answer was lost. A refusal has done nothing. */
export function isUncertain(error: unknown): boolean {
  return !(error instanceof CloudCodeError) || errorCatalogue[error.code].status >= 500;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value);
}
