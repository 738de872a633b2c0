import { CloudCodeError } from '../../engine/core/errors.ts';
import { earlierAnswer } from '../../engine/operations/write-batch.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import { nothingWritten, type WriteAnswer } from '../protocol/data-answers.ts';
import type { WriteOperation } from '../protocol/data-calls.ts';
import { carryOut, type DataScope } from './carry-out.ts';

/** A write of one object, in one statement. */
export type SingleWrite = Extract<WriteOperation, { readonly ids: readonly string[] }>;

export function isSingleWrite(operation: WriteOperation): operation is SingleWrite {
  return 'ids' in operation && operation.ids.length === 1;
}

/** Whether it has to be noted, because to do it again would do something else. */
export function isOnceOnly(operation: SingleWrite): boolean {
  return operation.do === 'increment' || ('version' in operation && operation.version === 'required');
}

/**
 * Carries out a single write that to do again does nothing twice. `isRepeated` says that an
 * earlier try may have been committed, so that an object that is not there to be destroyed is none to complain of.
 * @throws as carryOut
 */
export async function writeObject(
  db: Queryable,
  scope: DataScope,
  given: { readonly operation: SingleWrite; readonly isRepeated: boolean },
): Promise<WriteAnswer> {
  try {
    return await carryOut(db, scope, given.operation);
  } catch (error) {
    const isDone =
      given.isRepeated &&
      given.operation.do === 'destroy' &&
      error instanceof CloudCodeError &&
      error.code === 'object_destroyed';
    if (isDone) return nothingWritten;
    throw error;
  }
}

/**
 * Carries out a single write that may be done once only, and notes it in the same statement. One that was carried out before, by its id, is answered as it was then.
 * @throws as carryOut
 */
export async function writeObjectOnce(
  db: Queryable,
  scope: DataScope,
  { id, operation }: { readonly id: string; readonly operation: SingleWrite },
): Promise<WriteAnswer> {
  try {
    return await carryOut(db, scope, { ...operation, call: id });
  } catch (error) {
    // Whatever refuses it (its note is there, the object is changed, the sum is too large now) may be due to an earlier try.
    const earlier = await earlierAnswer(db, scope.caller, id);
    if (earlier === null) throw error;
    return { ...nothingWritten, ...earlier };
  }
}
