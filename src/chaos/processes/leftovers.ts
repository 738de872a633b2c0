import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../../engine/store/open-store.ts';
import { processesOf } from './runner-children.ts';

/** A guard that ends in order, and a zombie's last moments. */
const patienceMs = 3_000;

/** The processes that are left of all runners that ever worked on this database, after they were stopped: none, when all is well. */
export async function processesLeftOver(db: Queryable): Promise<readonly number[]> {
  const rows = await db.query<{ id: string }>({ name: 'chaos_runners', text: 'select id from cloudcode.runners' });
  const runnerIds = new Set(rows.map(({ id }) => id));
  const end = performance.now() + patienceMs;
  for (;;) {
    const left = processesOf(runnerIds);
    if (left.length === 0 || performance.now() > end) return left;
    await delay(100);
  }
}
