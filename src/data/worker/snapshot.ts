import { type Attachment, isAttachment } from '../model/attachment.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { toJson } from '../../engine/core/to-json.ts';
import type { FieldWire } from '../model/field-values.ts';
import { attachmentMark } from '../../engine/core/marks.ts';
import type { VersionCheck } from '../protocol/data-calls.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import { maxFrameBytes } from '../../engine/protocol/limits.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import type { ObjectState, Snapshot } from './object-state.ts';
import type { SaveOptions } from './save-options.ts';

/** The bytes of files that are stored with another object, or were: they have to be read before they can be stored again. */
export type ForeignFiles = Map<Attachment, Uint8Array>;

/** What is written of an object: the values of these columns, as JSON. */
export interface ObjectWrite {
  readonly do: 'insert' | 'update';
  readonly columns: readonly string[];
  readonly row: string;
  readonly version: VersionCheck | undefined;
  readonly snapshot: Snapshot;
}

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

/** What a save has to write now: all of a new object, else its changes; null when there are none, unless it is to be found out whether somebody else has saved it. */
export function snapshotOf(state: ObjectState, files: ForeignFiles, { ifUnchanged }: SaveOptions): ObjectWrite | null {
  const { type, version } = state;
  const places = state.isNew ? type.written : state.changedPlaces();
  if (places.length === 0 && !state.isNew && !ifUnchanged) return null;
  const check = ifUnchanged ? 'required' : state.isNew || version === null ? undefined : 'noted';
  const row: Record<string, WireValue> = { id: state.id };
  if (check !== undefined && !state.isNew) row['.version'] = version;
  const assigned: FieldWire[] = [];
  const kept: WireValue[] = [];
  const columns: string[] = [];
  for (const place of places) {
    const column = type.columns[place] ?? '';
    const value = state.valueAt(place);
    const file = isAttachment(value) ? fileValue(value, files) : null;
    row[column] = file === null ? (value as WireValue) : file.sent;
    columns.push(column);
    assigned.push(value);
    kept.push(file === null ? (value as WireValue) : file.kept);
  }
  return {
    do: state.isNew ? 'insert' : 'update',
    columns,
    row: rowJson(state, row),
    version: check,
    snapshot: { places, assigned, kept },
  };
}

function fileValue(file: Attachment, files: ForeignFiles): { readonly kept: WireValue; readonly sent: WireValue } {
  const bytes = file[attachmentMark];
  const kept = { key: newId(), filename: file.filename, contentType: file.contentType, size: file.size };
  const { buffer, byteOffset, byteLength } = 'own' in bytes ? bytes.own : (files.get(file) ?? new Uint8Array());
  return { kept, sent: { ...kept, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') } };
}

/** A row has to go in one frame, in which it is a string: its quotes and escapes are escaped once more. */
function rowJson(state: ObjectState, row: Record<string, WireValue>): string {
  const json = toJson(row) ?? '';
  if (json.length < maxFrameBytes / 8) return json;
  const bytes = Buffer.byteLength(JSON.stringify(json));
  const most = maxFrameBytes - 1024 * 1024;
  if (bytes > most)
    throw new CloudCodeError(
      'invalid_value',
      `What is to be stored of ${state.title} takes ${bytes} bytes at once; at most ${most} are sent. Assign and save its files one by one.`,
    );
  return json;
}
