import { CloudCodeError } from '../../engine/core/errors.ts';
import { attachmentMark } from '../../engine/core/marks.ts';
import { toJson } from '../../engine/core/to-json.ts';
import { maxFrameBytes } from '../../engine/protocol/limits.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { type Attachment, isAttachment, storedAttachment } from '../model/attachment.ts';
import type { Field } from '../model/data-model.ts';
import { type FieldValue, type FieldWire, fromWire, isReadable } from '../model/field-values.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import type { VersionCheck } from '../protocol/data-calls.ts';
import type { FileWire, ObjectState, Snapshot } from './database.ts';

/** The value of a field as a task sees it. @throws CloudCodeError `invalid_value` when another program stored what is none */
export function readField(state: ObjectState, field: Field, place: number): FieldValue {
  const value = readableAt(state, field, place);
  if (value === null || typeof value !== 'object' || isAttachment(value)) return fromWire(field, value);
  return Object.hasOwn(value, 'key') ? storedFile(state, field, value as unknown as FileWire) : fromWire(field, value);
}

/** The value of a field as it travels. @throws as readField */
function readableAt(state: ObjectState, field: Field, place: number): FieldWire {
  const value = state.valueAt(place);
  if (isReadable(field, value)) return value;
  const stored = typeof value === 'string' ? value : JSON.stringify(value);
  throw new CloudCodeError(
    'invalid_value',
    `${state.type.model.name}.${field.name} of ${state.id} is stored as ${stored}, which is no ${field.type}: another program has written it. Assign a value, or null, and save it.`,
  );
}

function storedFile(state: ObjectState, field: Field, { key, ...file }: FileWire): Attachment {
  const { database, model } = state.type;
  const { id } = state;
  const read = async (): Promise<Uint8Array> => {
    const base64 = await database.read<string | null>({
      kind: 'read_file',
      model: model.name,
      id,
      field: field.name,
      key,
    });
    if (base64 !== null) return Uint8Array.from(Buffer.from(base64, 'base64'));
    throw new CloudCodeError(
      'file_replaced',
      `The file of ${model.name}.${field.name} of ${id} is not stored any more: it was replaced, or its object destroyed. reload() the object.`,
    );
  };
  return storedAttachment(file, { key, read: () => database.track(read()) });
}

/** The values of an object as JSON has them: its id, its fields, the ids of what it belongs to. @throws CloudCodeError `invalid_value` as readField */
export function objectToJson(state: ObjectState): Record<string, unknown> {
  const { columns, model } = state.type;
  return Object.fromEntries(
    columns.map((column, place) => {
      const field = model.fields[place - 1];
      return [column, jsonOf(field === undefined ? state.valueAt(place) : readableAt(state, field, place))];
    }),
  );
}

/** A copy of a value as it travels; but of files not the key: that means something to the database only. */
function jsonOf(value: FieldWire): unknown {
  if (value === null || typeof value !== 'object' || isAttachment(value)) return value;
  if (!Object.hasOwn(value, 'key')) return structuredClone(value);
  const { filename, contentType, size } = value as unknown as FileWire;
  return { filename, contentType, size };
}

/** For people: the values that are not null, and whether they are stored. */
export function inspectObject(state: ObjectState, inspect: (value: unknown) => string): string {
  const { columns, model } = state.type;
  const values = columns.flatMap((column, place) => {
    const field = model.fields[place - 1];
    const stored = state.valueAt(place);
    const value = field === undefined || !isReadable(field, stored) ? stored : readField(state, field, place);
    return value === null ? [] : [[column, value] as const];
  });
  return `${model.name}${conditionOf(state)} ${inspect(Object.fromEntries(values))}`;
}

function conditionOf(state: ObjectState): string {
  if (state.isDestroyed) return ' (destroyed)';
  if (state.isNew) return ' (new)';
  return state.changedPlaces().length > 0 ? ' (changed)' : '';
}

/** The bytes of files that are stored with another object, or were: they have to be read before they can be stored again. */
export type ForeignFiles = Map<Attachment, Uint8Array>;

/** What is written of an object: all of a new one, as JSON; of another these values, and the version that it is compared with, where it is, of about so many characters. */
export type ObjectWrite = (
  | { readonly do: 'insert'; readonly row: string }
  | { readonly do: 'update'; readonly values: readonly WireValue[]; readonly characters: number }
) & {
  readonly columns: readonly string[];
  readonly version: VersionCheck | undefined;
  readonly snapshot: Snapshot;
};

/** Reads the bytes that `snapshotOf` needs for these objects; null when it needs none, so that it can go on at once. */
export function readForeignFiles(states: Iterable<ObjectState>, known: ForeignFiles): Promise<void> | null {
  const missing = new Set<Attachment>();
  for (const state of states) {
    for (const place of state.type.fileFields) {
      const value = state.valueAt(place);
      if (isAttachment(value) && !('own' in value[attachmentMark]) && !known.has(value)) missing.add(value);
    }
  }
  if (missing.size === 0) return null;
  return readAll(missing, states, known);
}

async function readAll(
  missing: Iterable<Attachment>,
  states: Iterable<ObjectState>,
  known: ForeignFiles,
): Promise<void> {
  await Promise.all(Array.from(missing, async (file) => void known.set(file, await file.bytes())));
  // What is assigned meanwhile may need more.
  await readForeignFiles(states, known);
}

export interface SaveOptions {
  /** Refuses to save an object that somebody else has saved since it was read. */
  readonly ifUnchanged: boolean;
}

/** What a save has to write now: all of a new object, else its changes; null when there are none, unless it is to be found out whether somebody else has saved it. */
export function snapshotOf(state: ObjectState, files: ForeignFiles, { ifUnchanged }: SaveOptions): ObjectWrite | null {
  const { type, version } = state;
  const places = state.isNew ? type.written : state.changedPlaces();
  if (places.length === 0 && !state.isNew && !ifUnchanged) return null;
  const check: VersionCheck | undefined = ifUnchanged
    ? 'required'
    : state.isNew || version === null
      ? undefined
      : 'noted';
  const sent: WireValue[] = [];
  const assigned: FieldWire[] = [];
  const kept: WireValue[] = [];
  const columns: string[] = [];
  for (const place of places) {
    const column = type.columns[place] ?? '';
    const value = state.valueAt(place);
    const file = isAttachment(value) ? fileValue(value, files) : null;
    sent.push(file === null ? (value as WireValue) : file.sent);
    columns.push(column);
    assigned.push(value);
    kept.push(file === null ? (value as WireValue) : file.kept);
  }
  const rest = { columns, version: check, snapshot: { places, assigned, kept } };
  if (!state.isNew) {
    if (check !== undefined) sent.push(version);
    let characters = 0;
    for (const value of sent) characters += charactersOf(value);
    if (characters >= surelySent) refuseTooLarge(state, toJson(sent) ?? '');
    return { do: 'update', values: sent, characters, ...rest };
  }
  const row: Record<string, WireValue> = { id: state.id };
  for (const [place, column] of columns.entries()) row[column] = sent[place] ?? null;
  const json = toJson(row) ?? '';
  if (json.length >= surelySent) refuseTooLarge(state, json);
  return { do: 'insert', row: json, ...rest };
}

function fileValue(file: Attachment, files: ForeignFiles): { readonly kept: WireValue; readonly sent: WireValue } {
  const bytes = file[attachmentMark];
  const kept = { key: newId(), filename: file.filename, contentType: file.contentType, size: file.size };
  const { buffer, byteOffset, byteLength } = 'own' in bytes ? bytes.own : (files.get(file) ?? new Uint8Array());
  return { kept, sent: { ...kept, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') } };
}

/** So many characters fit, whatever has to be escaped. */
const surelySent = maxFrameBytes / 8;
const shortText = 1000;

/** About the characters of a value as JSON; of a long one exactly. */
function charactersOf(value: WireValue): number {
  if (typeof value === 'string' && value.length < shortText) return value.length + 3;
  return typeof value === 'string' || typeof value === 'object' ? (toJson(value) ?? '').length : 24;
}

/** What is written of an object has to go in one frame, in which it is text: its quotes and escapes are escaped once more. */
function refuseTooLarge(state: ObjectState, json: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(json));
  const max = maxFrameBytes - 1024 * 1024;
  if (bytes > max)
    throw new CloudCodeError(
      'invalid_value',
      `What is to be stored of ${state.title} takes ${bytes} bytes at once; at most ${max} are sent. Assign and save its files one by one.`,
    );
}
