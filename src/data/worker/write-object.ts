import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { toJson } from '../../engine/core/to-json.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import type { WriteOperation } from '../protocol/data-calls.ts';
import { isUncertain, isUuid, type ModelType, type ObjectState, occupy, unknownField, untilFree } from './database.ts';
import { type ForeignFiles, readForeignFiles, type SaveOptions, snapshotOf } from './object-values.ts';
import { readById } from './read-pages.ts';

/** What `save` takes besides an object. @throws CloudCodeError `unknown_option`, `invalid_value` */
export function readSaveOptions(call: string, options: unknown): SaveOptions {
  if (options === undefined) return { ifUnchanged: false };
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes options such as { ifUnchanged: true }; this is ${describeValue(options)}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => name !== 'ifUnchanged');
  if (unknown !== undefined) {
    const hint = suggest(unknown, ['ifUnchanged']) === null ? 'It takes ifUnchanged.' : 'Did you mean ifUnchanged?';
    throw new CloudCodeError('unknown_option', `${call} has no option ${JSON.stringify(unknown)}. ${hint}`);
  }
  const { ifUnchanged = false } = options as { ifUnchanged?: unknown };
  if (typeof ifUnchanged === 'boolean') return { ifUnchanged };
  throw new CloudCodeError(
    'invalid_value',
    `${call}: ifUnchanged must be true or false; this is ${describeValue(ifUnchanged)}.`,
  );
}

/**
 * Writes what the object holds when its turn comes: at once, or after the write of it that is under way. What is assigned after that moment
 * stays a change.
 * @throws CloudCodeError `object_destroyed`, `object_changed`
 */
export async function saveObject(state: ObjectState, options: SaveOptions): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  refuseDestroyed(state);
  const release = occupy([state]);
  try {
    const files: ForeignFiles = new Map();
    const reading = readForeignFiles([state], files);
    if (reading !== null) await reading;
    const write = snapshotOf(state, files, options);
    if (write === null) return;
    const { database, model } = state.type;
    state.sending(write.snapshot, false);
    const { columns, version: check } = write;
    const common = { model: model.name, columns, ids: [state.id], version: check };
    const operation: WriteOperation =
      write.do === 'insert'
        ? { do: 'insert', rows: `[${write.row}]`, ...common }
        : { do: 'update', values: write.values.map((value) => toJson([value]) ?? ''), ...common };
    const { version } = await database.write(newId(), [[operation]]);
    state.stored(version);
  } catch (error) {
    state.failed();
    if (state.isNew && isUncertain(error)) state.isUncertain = true;
    throw error;
  } finally {
    release();
  }
}

/** @throws CloudCodeError `object_destroyed` for an object that this task destroyed */
export function refuseDestroyed(state: ObjectState): void {
  if (!state.isDestroyed) return;
  throw new CloudCodeError(
    'object_destroyed',
    `${state.title} was destroyed by this task; it cannot be written any more. Create a new object.`,
  );
}

/**
 * Reads the object again and drops what was changed before the call, and what was read of its relationships.
 * @throws CloudCodeError `object_destroyed` when it is not there any more, `invalid_query` when it was never stored
 */
export async function reloadObject(state: ObjectState): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  if (state.isNew && !state.isUncertain)
    throw new CloudCodeError(
      'invalid_query',
      `${state.title} is not stored yet, so there is nothing to read. save() it first.`,
    );
  const release = occupy([state]);
  try {
    const changes = state.changedPlaces().map((place) => [place, state.valueAt(place)] as const);
    const row = await readById(state.type, state.id);
    if (row === null)
      throw new CloudCodeError('object_destroyed', `${state.title} is not there any more: it was destroyed elsewhere.`);
    state.row = row;
    state.isNew = false;
    state.related.clear();
    for (const [place, value] of changes) state.forget(place, value);
  } finally {
    release();
  }
}

/**
 * Takes an object away. One that was never stored, or that this task has destroyed already, is gone as it should be.
 * @throws CloudCodeError `object_destroyed` when it was destroyed elsewhere
 */
export async function destroyObject(state: ObjectState): Promise<void> {
  const free = untilFree([state]);
  if (free !== null) await free;
  if (state.isDestroyed) return;
  const release = occupy([state]);
  try {
    if (!state.isNew || state.isUncertain) await sendDestroy(state);
    state.isDestroyed = true;
  } finally {
    release();
  }
}

async function sendDestroy(state: ObjectState): Promise<void> {
  try {
    await state.type.database.write(newId(), [[{ do: 'destroy', model: state.type.model.name, ids: [state.id] }]]);
  } catch (error) {
    // An earlier try has destroyed it, or its insert was never done.
    if (state.isUncertain && error instanceof CloudCodeError && error.code === 'object_destroyed') return;
    if (isUncertain(error)) state.isUncertain = true;
    throw error;
  }
}

/** What is to be added to the fields of an object. */
export interface Increment {
  readonly model: string;
  readonly id: string;
  readonly fields: readonly string[];
  /** As JSON: `{ id, <field>: amount }`. */
  readonly row: string;
}

/**
 * Adds to numbers of an object, in the database: whoever else does so too, nothing is lost.
 * @returns the new values of these fields
 * @throws CloudCodeError `object_not_found`, `unknown_field`, `invalid_value`
 */
export async function incrementObject(
  type: ModelType,
  id: unknown,
  amounts: unknown,
): Promise<Readonly<Record<string, number>>> {
  const { model, fields, row, id: given } = readIncrement(type, `DB.${type.model.name}.increment`, { id, amounts });
  const {
    incremented: [sums = []],
  } = await type.database.write(newId(), [
    [{ do: 'increment', model, columns: fields, ids: [given], rows: `[${row}]` }],
  ]);
  return sumsOf(fields, sums);
}

export function sumsOf(fields: readonly string[], sums: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(fields.map((field, place) => [field, sums[place] ?? 0]));
}

/** @throws CloudCodeError `unknown_field`, `invalid_value` */
export function readIncrement(
  { model }: ModelType,
  call: string,
  { id, amounts }: { readonly id: unknown; readonly amounts: unknown },
): Increment {
  if (!isUuid(id)) {
    const hint = typeof id === 'object' && id !== null ? 'Give its id.' : 'An id is a UUID.';
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes the id of an object; this is ${describeValue(id)}. ${hint}`,
    );
  }
  if (typeof amounts !== 'object' || amounts === null || Array.isArray(amounts)) {
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes the amounts by field, such as { count: 1 }; this is ${describeValue(amounts)}.`,
    );
  }
  const entries = Object.entries(amounts as Readonly<Record<string, unknown>>);
  if (entries.length === 0)
    throw new CloudCodeError(
      'invalid_value',
      `${call}: no field is named. Name one with its amount, such as { count: 1 }.`,
    );
  const row: Record<string, string | number> = { id: id.toLowerCase() };
  for (const [name, amount] of entries) row[name] = checkAmount(model, name, amount);
  return { model: model.name, id: id.toLowerCase(), fields: entries.map(([name]) => name), row: JSON.stringify(row) };
}

function checkAmount(model: ModelType['model'], name: string, amount: unknown): number {
  const type = model.fields.find((field) => field.name === name)?.type;
  const title = `${model.name}.${name}`;
  if (
    type === undefined &&
    [...model.belongsTo, ...model.hasMany].every((each) => ![each.name, `${each.name}_id`].includes(name)) &&
    name !== 'id'
  )
    throw unknownField(model, name);
  if (type !== 'integer' && type !== 'number')
    throw new CloudCodeError(
      'invalid_value',
      `${title} is no field of type integer or number: nothing can be added to it.`,
    );
  if (typeof amount !== 'number' || !Number.isFinite(amount)) {
    const hint = typeof amount === 'string' || typeof amount === 'bigint' ? ' Convert it: Number(value).' : '';
    throw new CloudCodeError(
      'invalid_value',
      `${title}: ${typeof amount === 'number' ? amount : describeValue(amount)} is no finite number, so it cannot be added.${hint}`,
    );
  }
  if (type === 'integer' && !Number.isSafeInteger(amount))
    throw new CloudCodeError(
      'invalid_value',
      `${title}: ${amount} is no integer. Round it, or make the field a number.`,
    );
  return amount;
}
