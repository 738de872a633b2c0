import { destroyMatching } from '../statements/destroy-matching.ts';
import { asOutdated, valueRefusal } from '../statements/refusals.ts';
import type { DataTarget } from '../statements/target.ts';
import { destroyObjects, incrementObjects, insertObjects, updateObjects } from '../statements/write-objects.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { WriteOperation } from '../protocol/data-calls.ts';
import { nothingWritten, type WriteAnswer } from '../protocol/data-answers.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import { sqlState } from '../../engine/store/store-error.ts';
import type { ExtensionCalls } from '../../engine/operations/extension.ts';
import type { CallingAttempt } from '../../engine/operations/schedule-run.ts';

/** On whose behalf, and in which data. */
export interface DataScope {
  readonly caller: CallingAttempt;
  readonly target: DataTarget;
}

type Insert = Extract<WriteOperation, { readonly do: 'insert' }>;
type Update = Extract<WriteOperation, { readonly do: 'update' }>;
type Increment = Extract<WriteOperation, { readonly do: 'increment' }>;

/** One operation, and the id under which its statement notes that it was carried out, where no batch does. */
export type Step<Of extends WriteOperation = WriteOperation> = Of & { readonly call?: string };

/**
 * Carries out one operation: all of it or, when it throws, nothing that its transaction may keep.
 * @throws CloudCodeError `attempt_superseded`, `object_destroyed`, `object_changed`, `object_not_found`, `unknown_model`, `unknown_field`, `invalid_value`
 */
export async function carryOut(db: Queryable, scope: DataScope, operation: Step): Promise<WriteAnswer> {
  try {
    return { ...nothingWritten, ...(await write(db, scope, operation)) };
  } catch (error) {
    const refusal = valueRefusal(error) ?? (operation.do === 'increment' ? overflowOf(operation, error) : null);
    throw refusal === null ? asOutdated(error) : new CloudCodeError('invalid_value', refusal, { cause: error });
  }
}

/** The same in the transaction of a batch, whose version is that of its note. */
export function batchOperations(scope: DataScope): ExtensionCalls['carryOut'] {
  return async (db, operation) => {
    const { version: _, ...lists } = await carryOut(db, scope, operation as WriteOperation);
    return lists;
  };
}

async function write(db: Queryable, scope: DataScope, operation: Step): Promise<Partial<WriteAnswer>> {
  const { caller, target } = scope;
  switch (operation.do) {
    case 'insert':
      return insert(db, scope, operation);
    case 'update':
      return update(db, scope, operation);
    case 'increment':
      return increment(db, scope, operation);
    case 'destroy':
      refuseMissing(operation, await db.query<Missing>(destroyObjects(target, caller, operation)));
      return {};
    case 'destroy_all': {
      const [row] = await db.query<{ count: number }>(destroyMatching(target, caller, operation.selection));
      return { destroyed: [row?.count ?? 0] };
    }
  }
}

interface Missing {
  readonly missing: readonly string[] | null;
}

interface Written extends Missing {
  readonly changed?: readonly string[] | null;
  readonly version?: string;
}

async function insert(
  db: Queryable,
  { caller, target }: DataScope,
  operation: Step<Insert>,
): Promise<Partial<WriteAnswer>> {
  const [row] = await db.query<Written>(insertObjects(target, caller, operation));
  refuseChanged(operation, row?.changed ?? []);
  return { version: row?.version ?? null };
}

async function update(
  db: Queryable,
  { caller, target }: DataScope,
  operation: Step<Update>,
): Promise<Partial<WriteAnswer>> {
  const rows = await db.query<Written>(updateObjects(target, caller, operation));
  if (operation.version === 'noted') {
    const overwritten = missingOf(operation, rows);
    if (overwritten.length === 0) return { version: rows[0]?.version ?? null };
    const { model, columns, ids, values } = operation;
    refuseMissing(
      { model, ids: overwritten },
      await db.query<Missing>(updateObjects(target, caller, { model, columns, ids, values, only: overwritten })),
    );
    return { overwritten };
  }
  const changed = rows[0]?.changed ?? [];
  refuseMissing(operation, rows, changed);
  refuseChanged(operation, changed);
  return { version: rows[0]?.version ?? null };
}

async function increment(
  db: Queryable,
  { caller, target }: DataScope,
  operation: Step<Increment>,
): Promise<Partial<WriteAnswer>> {
  const [row] = await db.query<Missing & { incremented: string | null }>(incrementObjects(target, caller, operation));
  const [id, ...others] = row?.missing ?? [];
  if (id !== undefined)
    throw new CloudCodeError(
      'object_not_found',
      `There is no ${operation.model} ${id}${more(others)}: it was never stored, or it was destroyed. Nothing was written.`,
    );
  const sums = JSON.parse(row?.incremented ?? '{}') as Readonly<Record<string, readonly number[]>>;
  return { incremented: operation.ids.map((each) => sums[each] ?? []) };
}

const outOfRange = '22003';

function overflowOf({ model, columns, ids: [id = '', ...others] }: Increment, error: unknown): string | null {
  if (sqlState(error) !== outOfRange) return null;
  const fields = columns.map((name) => `${model}.${name}`).join(', ');
  return `${fields} of ${id}${more(others)}: the sum is outside the 32-bit integers (-2147483648 to 2147483647) or, of a number, beyond 1.8e308. Nothing was written.`;
}

function missingOf({ ids }: { readonly ids: readonly string[] }, [row]: readonly Missing[]): readonly string[] {
  return row === undefined ? ids : (row.missing ?? []);
}

/** @param changed those of them that are there */
function refuseMissing(
  operation: { readonly model: string; readonly ids: readonly string[] },
  rows: readonly Missing[],
  changed: readonly string[] = [],
): void {
  const [id, ...others] = missingOf(operation, rows).filter((each) => !changed.includes(each));
  if (id === undefined) return;
  throw new CloudCodeError(
    'object_destroyed',
    `${operation.model} ${id}${more(others)} is not there any more: it was destroyed elsewhere. Nothing was written.`,
  );
}

function refuseChanged({ model }: { readonly model: string }, [id, ...others]: readonly string[]): void {
  if (id === undefined) return;
  throw new CloudCodeError(
    'object_changed',
    `${model} ${id}${more(others)} was saved elsewhere since it was read. Nothing was written. reload() it, change it again and save.`,
  );
}

function more(others: readonly string[]): string {
  return others.length > 0 ? ` (and ${others.length} more)` : '';
}
