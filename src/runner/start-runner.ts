import { randomUUID } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { defaultTaskConfig } from '../core/task-config.ts';
import { type ClaimedRun, claimRuns, readEnvironmentIds, readNextWakeMs } from '../store/claim-runs.ts';
import type { Store } from '../store/open-store.ts';
import { expireLease, insertRunner } from '../store/runners.ts';
import { openBundleCache } from './bundle-cache.ts';
import { openContainment } from './containment/open-containment.ts';
import { startGuard } from './containment/start-guard.ts';
import { type OnEvent } from './events.ts';
import { executeAttempt, type RunningAttempt } from './execute-attempt.ts';
import { holdLease, leaseMs } from './hold-lease.ts';
import { startLoop } from './interval-loop.ts';
import { listen } from './listen.ts';
import { ownProcessIdentity } from './process-identity.ts';
import { openWorkerPool } from './worker-pool.ts';

export interface RunnerOptions {
  readonly store: Store;
  /** The project's folder on this machine: the working directory of its tasks. */
  readonly folder: string;
  /** Runs at once; by default twice the processors, at least 4. */
  readonly concurrency?: number | undefined;
  readonly onEvent?: OnEvent | undefined;
}

export interface Runner extends AsyncDisposable {
  readonly id: string;
  /** Claims nothing more, lets running attempts finish for up to `drainMs`, gives the others back, and stops. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Looks for due runs this often even when nobody said that there are any: notifications can be lost. */
const pollMs = 5_000;
const defaultDrainMs = 30_000;

/** Starts claiming and executing runs. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { store, folder, onEvent = () => undefined } = options;
  const concurrency = options.concurrency ?? Math.max(4, availableParallelism() * 2);
  const id = randomUUID();
  const log = (message: string): void => onEvent({ kind: 'trouble', what: 'processes', error: message });
  const containment = await openContainment({ runnerId: id, log });
  const guard = await startGuard({ runnerId: id, cgroupPath: containment.cgroupPath, log });
  const bundles = openBundleCache(store, join(folder, '.cloudcode', 'bundles'));
  await insertRunner(store, { id, host: hostname(), pid: process.pid, processIdentity: ownProcessIdentity(), leaseMs });
  const pool = openWorkerPool({
    runnerId: id, containment, folder, memoryMb: defaultTaskConfig.memoryMb,
    size: Math.min(concurrency, Math.max(4, availableParallelism())),
  });
  const claim = claimer(store, id);
  const attempts = new Map<string, RunningAttempt>();
  let reserved = 0;
  let draining = false;
  let leaseLost = false;

  const begin = async (run: ClaimedRun): Promise<void> => {
    try {
      const [worker, files] = await Promise.all([pool.take(run.memoryMb), bundles.files(run.bundleHash, run.bundleFormat)]);
      const attempt = executeAttempt(run, worker, files, { store, onEvent, folder });
      attempts.set(run.id, attempt);
      await attempt.done;
    } catch (error) {
      onEvent({ kind: 'trouble', what: `run ${run.id} could not be started`, error });
    } finally {
      attempts.delete(run.id);
      reserved -= 1;
      claiming.wake();
    }
  };
  const claiming = startLoop({
    turn: async () => {
      const free = concurrency - reserved;
      if (draining || leaseLost || free <= 0) return Infinity;
      const claimed = await claim(free);
      reserved += claimed.length;
      for (const run of claimed) void begin(run);
      if (claimed.length === free) return Infinity;
      return Math.min((await readNextWakeMs(store)) ?? pollMs, pollMs);
    },
    onError: (error) => {
      onEvent({ kind: 'trouble', what: 'runs could not be claimed', error });
      return 1000;
    },
  });
  const cancel = (runId: string): void => attempts.get(runId)?.end({ kind: 'cancelled', why: 'The run was cancelled.' }, true);
  const listening = listen(store.url, id, {
    claimable: claiming.wake,
    cancel,
    trouble: (error) => onEvent({ kind: 'trouble', what: 'the connection for notifications', error }),
  });
  const lease = holdLease(store, id, {
    onEvent,
    onCancelRequested: cancel,
    isIdle: () => reserved === 0,
    onRevived() {
      leaseLost = false;
      claiming.wake();
    },
    onLost() {
      leaseLost = true;
      onEvent({ kind: 'lease_lost' });
      for (const attempt of attempts.values()) attempt.end({ kind: 'lost', why: 'The runner could not renew its lease in time.' }, false);
    },
  });
  onEvent({ kind: 'runner_started', runnerId: id, concurrency, containment: containment.mechanism });

  const drain = async (drainMs: number): Promise<void> => {
    draining = true;
    await claiming.stop();
    if (attempts.size > 0) onEvent({ kind: 'draining', running: attempts.size });
    const giveBack = setTimeout(() => {
      for (const attempt of attempts.values()) attempt.end({ kind: 'cancelled', why: 'The runner stopped; the attempt does not count.' }, false);
    }, drainMs);
    while (reserved > 0) {
      await Promise.race([...attempts.values()].map((attempt) => attempt.done).concat(elapsed(50)));
    }
    clearTimeout(giveBack);
  };
  const close = async (drainMs: number): Promise<void> => {
    await drain(drainMs);
    await listening.stop();
    await pool.close();
    await lease.stop();
    await expireLease(store, id).catch(() => undefined);
    await guard.stop();
    containment.close();
  };
  let stopped: Promise<void> | null = null;
  const stop: Runner['stop'] = ({ drainMs = defaultDrainMs } = {}) => (stopped ??= close(drainMs));
  return { id, stop, [Symbol.asyncDispose]: () => stop() };
}

/** Claims in all environments; which ones there are is asked again only when those that are known had nothing more to give. */
function claimer(store: Store, runnerId: string): (limit: number) => Promise<readonly ClaimedRun[]> {
  let environmentIds: readonly number[] = [];
  const claimIn = async (ids: readonly number[], limit: number): Promise<readonly ClaimedRun[]> => {
    const claimed: ClaimedRun[] = [];
    for (const environmentId of ids) {
      if (claimed.length === limit) break;
      claimed.push(...(await claimRuns(store, { environmentId, runnerId, limit: limit - claimed.length })));
    }
    return claimed;
  };
  return async (limit) => {
    const claimed = await claimIn(environmentIds, limit);
    if (claimed.length > 0) return claimed;
    const known = environmentIds;
    environmentIds = await readEnvironmentIds(store);
    return claimIn(environmentIds.filter((id) => !known.includes(id)), limit);
  };
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
