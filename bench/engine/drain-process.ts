// One runner's engine in a process of its own: says that it is ready, waits for a word, drains, and tells when each run was ended.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { openStore } from '../../src/engine/store/open-store.ts';
import { takeLease } from '../../src/engine/store/runners.ts';
import { drainRuns } from './drain-runs.ts';

const store = await openStore({ url: process.argv[2] ?? '' });
const runnerId = randomUUID();
await takeLease(store, { id: runnerId, host: hostname(), pid: process.pid, processIdentity: null, leaseMs: 600_000 });
const go = once(process, 'message');
process.send?.('ready');
await go;
const doneTimes = await drainRuns(store, runnerId, { count: Infinity, withinMs: Infinity });
process.send?.(doneTimes.map((time) => performance.timeOrigin + time));
// Ended by the parent.
setTimeout(() => undefined, 60_000);
