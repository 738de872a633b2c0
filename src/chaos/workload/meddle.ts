import { setTimeout as delay } from 'node:timers/promises';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { cancelRun } from '../../engine/operations/cancel-run.ts';
import { pauseQueue, resumeQueue } from '../../engine/operations/pause-queue.ts';
import { retryRun } from '../../engine/operations/retry-run.ts';
import { bootTimeMs } from '../../engine/runner/containment/boot-clock.ts';
import type { Store } from '../../engine/store/open-store.ts';
import { type Random, seededRandom } from '../plan/random.ts';
import { retryUntil } from '../retry-until.ts';
import { campaignEnvironment } from './feed-runs.ts';

/** What the campaign asked for besides runs. Times are of the boot clock. */
export interface Asked {
  readonly kind: 'cancel' | 'retry' | 'pause' | 'resume';
  /** The run's id, or the queue's name. */
  readonly of: string;
  readonly from: number;
  readonly until: number;
  /** False when it was refused; after a lost answer that may be because it had been done. */
  readonly isDone: boolean;
}

const everyMs = [200, 1500] as const;
const pauseMs = [300, 3000] as const;
/** Retried and cancelled are runs of late: those are likely to be at work still, or just finished. */
const recent = 60;
/** For the database to come back: no queue may be left paused. */
const patienceMs = 120_000;

interface Meddling {
  readonly store: Store;
  readonly seed: number;
  readonly queues: readonly string[];
  readonly acknowledged: readonly string[];
  readonly stopping: AbortSignal;
}

/** Cancels and retries some runs, and pauses some queues for a while, until it is told to stop: as people do. Leaves no queue paused. */
export async function meddle(given: Meddling): Promise<readonly Asked[]> {
  const { store } = given;
  const random = seededRandom(given.seed ^ 0x4d_45_44);
  const asked: Asked[] = [];
  const ask = async (kind: Asked['kind'], of: string, call: () => Promise<unknown>): Promise<void> => {
    const from = bootTimeMs();
    const isDone = await retryUntil(AbortSignal.timeout(patienceMs), () => isTaken(call));
    asked.push({ kind, of, from, until: bootTimeMs(), isDone: isDone === true });
  };
  while (!given.stopping.aborted) {
    await delay(random.between(...everyMs), undefined, { signal: given.stopping }).catch(() => undefined);
    const draw = random.next();
    const runId = given.acknowledged[given.acknowledged.length - random.between(1, recent)];
    if (draw < 0.4 && runId !== undefined)
      await ask('cancel', runId, () => cancelRun(store, campaignEnvironment, runId));
    else if (draw < 0.75 && runId !== undefined)
      await ask('retry', runId, () => retryRun(store, campaignEnvironment, runId));
    else if (given.queues.length > 0) await pauseForAWhile(random);
  }
  return asked;

  async function pauseForAWhile(from: Random): Promise<void> {
    const queue = from.pick(given.queues);
    await ask('pause', queue, () => pauseQueue(store, campaignEnvironment, queue));
    await delay(from.between(...pauseMs), undefined, { signal: given.stopping }).catch(() => undefined);
    await ask('resume', queue, () => resumeQueue(store, campaignEnvironment, queue));
  }
}

/** A run that is finished cannot be cancelled, and one that is not cannot be retried: that is no trouble. */
async function isTaken(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof CloudCodeError && error.code !== 'database_unreachable') return false;
    throw error;
  }
}
