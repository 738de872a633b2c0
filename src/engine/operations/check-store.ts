import {
  cancelStatement,
  checkStore,
  giveTurnBack,
  mendStore,
  takeTurnToCheck,
  type WrongRow,
} from '../store/check-store.ts';
import { openSession } from '../store/open-session.ts';
import type { Store } from '../store/open-store.ts';

/** Mends differences between the runs and the tables that are derived from them, each in a transaction of its own, while others work. */
export async function mendWrongRows(store: Store, wrong: readonly WrongRow[]): Promise<void> {
  for (const row of wrong) await mendStore(store, row);
  if (wrong.length > 0) store.notify();
}

/** Checks the whole store, and mends it. Also makes the derived tables anew, when they are empty. @returns what was wrong */
export async function rebuildStore(store: Store): Promise<readonly WrongRow[]> {
  const wrong = await checkStore(store);
  await mendWrongRows(store, wrong);
  return wrong;
}

export interface StoreCheck {
  /** What was mended. */
  readonly wrong: readonly WrongRow[];
  readonly tookMs: number;
}

/**
 * The same once an hour, by whichever runner comes first.
 * @param stopping ends it, with the statement that reads all runs: the next who looks does it then
 * @returns null where another does it or has done it, and when it was ended
 */
export async function checkStoreByTheHour(store: Store, stopping: AbortSignal): Promise<StoreCheck | null> {
  if (!(await takeTurnToCheck(store))) return null;
  const began = performance.now();
  const wrong = await checkUntil(store, stopping);
  if (wrong === null) {
    await giveTurnBack(store);
    return null;
  }
  const tookMs = performance.now() - began;
  await mendWrongRows(store, wrong);
  return { wrong, tookMs };
}

/** On a connection of its own, so that the statement can be ended. Null when it was. */
async function checkUntil(store: Store, stopping: AbortSignal): Promise<readonly WrongRow[] | null> {
  await using session = await openSession(store.url);
  const cancel = (): void => void cancelStatement(store, session.backendPid).catch(() => undefined);
  stopping.addEventListener('abort', cancel);
  try {
    return stopping.aborted ? null : await checkStore(session);
  } catch (error) {
    if (stopping.aborted) return null;
    throw error;
  } finally {
    stopping.removeEventListener('abort', cancel);
  }
}
