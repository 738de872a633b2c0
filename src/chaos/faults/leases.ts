import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../../engine/store/open-store.ts';

const againMs = 20;

/**
 * By the database's clock every lease expired long ago, again and again until it is healed: as if that clock had jumped ahead. (A server's clock cannot be moved without the machine's.)
 * The runners' own clocks know better.
 */
export async function jumpLeaseClock(store: Store, heal: () => Promise<unknown>): Promise<boolean> {
  const healing = new AbortController();
  const healed = heal().finally(() => healing.abort());
  while (!healing.signal.aborted) {
    // It may be away as well, and then nobody can take over.
    await store
      .query({
        name: 'chaos_expire',
        text: "update cloudcode.runners set lease_expires_at = now() - interval '1 day' where lease_ended_at is null",
      })
      .catch(() => undefined);
    await delay(againMs, undefined, { signal: healing.signal }).catch(() => undefined);
  }
  await healed;
  return true;
}
