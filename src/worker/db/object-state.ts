import { type Attachment, attachmentMark, isAttachment } from '../../core/attachment.ts';
import { type FieldWire, isSameValue } from '../../core/field-values.ts';
import type { WireValue } from '../../protocol/data-messages.ts';
import type { ModelType } from './database.ts';
import type { DatabaseObject } from './database-object.ts';

/** A file as it is kept in a row. */
export interface FileWire {
  readonly key: string;
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly size: number;
}

/** What an object refers to, as far as it was read: one object (null when there is none with this id), or a list. */
export type Related = { readonly id: string; readonly object: DatabaseObject | null } | { readonly objects: readonly DatabaseObject[] };

/** What was sent of an object: the values as assigned, and as they are kept once it is stored. By their places in a row. */
export type Snapshot = ReadonlyMap<number, { readonly assigned: FieldWire; readonly kept: WireValue }>;

/** What an object holds: the row as the database has it, and over it what was assigned since. */
export class ObjectState {
  readonly type: ModelType;
  row: WireValue[];
  changes = new Map<number, FieldWire>();
  readonly related = new Map<string, Related>();
  /** Not stored yet. */
  isNew: boolean;
  isDestroyed = false;
  /** A write that puts it there or takes it away was sent, and its answer was lost. */
  isUncertain = false;
  /** Settles when the write that is under way is over. One object has one at a time. */
  busy: Promise<void> | null = null;
  #sent: Snapshot | null = null;

  constructor(type: ModelType, row: WireValue[], isNew: boolean) {
    this.type = type;
    this.row = row;
    this.isNew = isNew;
  }

  get id(): string {
    return this.idAt(0) ?? '';
  }

  /** `asset 0190…`, for messages. */
  get title(): string {
    return `${this.type.model.name} ${this.id}`;
  }

  valueAt(place: number): FieldWire {
    const changed = this.changes.size === 0 ? undefined : this.changes.get(place);
    return changed === undefined ? (this.row[place] ?? null) as FieldWire : changed;
  }

  /** The id in a column that holds one. */
  idAt(place: number): string | null {
    const value = this.valueAt(place);
    return typeof value === 'string' ? value : null;
  }

  /** A value that the database has already is no change, unless a write under way is about to replace it. */
  assign(place: number, value: FieldWire): void {
    if (this.#sent?.has(place) !== true && isKept(value, this.row[place] ?? null)) this.changes.delete(place);
    else this.changes.set(place, value);
  }

  /** The write of a snapshot begins. */
  sending(snapshot: Snapshot): void {
    this.#sent = snapshot;
  }

  /** The write is over; when it succeeded, what was assigned since its snapshot is still a change. */
  sent(isStored: boolean): void {
    const snapshot = this.#sent ?? new Map<never, never>();
    this.#sent = null;
    if (!isStored) return;
    this.isNew = false;
    this.isUncertain = false;
    for (const [place, { assigned, kept }] of snapshot) {
      this.row[place] = kept;
      this.forget(place, assigned);
    }
  }

  /** A change that still has this value is none any more. */
  forget(place: number, value: FieldWire): void {
    const changed = this.changes.get(place);
    if (changed !== undefined && isSameValue(changed, value)) this.changes.delete(place);
  }
}

function isKept(value: FieldWire, kept: WireValue): boolean {
  if (isAttachment(value)) return keyOf(value) !== null && keyOf(value) === (kept as FileWire | null)?.key;
  return isSameValue(value, kept as FieldWire);
}

/** The key under which an attachment was stored when it was read; null for one that was made here. */
export function keyOf(attachment: Attachment): string | null {
  const bytes = attachment[attachmentMark];
  return 'own' in bytes ? null : bytes.key;
}

/** Settles when no write of these objects is under way; null when that is so now, so that a snapshot can be taken in the same moment. */
export function untilFree(states: Iterable<ObjectState>): Promise<void> | null {
  const busy = [...states].flatMap((state) => (state.busy === null ? [] : [state.busy]));
  return busy.length === 0 ? null : Promise.all(busy).then(() => untilFree(states) ?? undefined);
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
