import { checkStore, mendStore, takeTurnToCheck, type WrongRow } from '../store/check-store.ts';
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

/** The same once an hour, by whichever runner comes first. */
export async function rebuildStoreByTheHour(store: Store): Promise<readonly WrongRow[]> {
  return (await takeTurnToCheck(store)) ? rebuildStore(store) : [];
}
