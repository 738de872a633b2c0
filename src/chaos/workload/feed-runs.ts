import { setTimeout as delay } from 'node:timers/promises';
import { scheduleRun } from '../../engine/operations/schedule-run.ts';
import type { Store } from '../../engine/store/open-store.ts';
import type { PlannedRun, RunPlan } from '../plan/plan-runs.ts';
import { retryUntil } from '../retry-until.ts';
import { mayScheduleMore, type Progress } from './progress.ts';
import { countUnfinished } from './unfinished.ts';

const pauseMs = 50;
/** More than that need not wait: the front of each queue is filled. */
const maxBacklog = 400;
const countEvery = 25;

export const campaignEnvironment = 'testing';

interface Feeding {
  readonly store: Store;
  readonly plan: RunPlan;
  readonly progress: Progress;
  readonly acknowledged: string[];
  readonly stopping: AbortSignal;
}

/** Schedules the runs of the plan, no faster than the faults come. Adds to `acknowledged` what the product confirmed. */
export async function feedRuns({ store, plan, progress, acknowledged, stopping }: Feeding): Promise<void> {
  for (const [index, { run, count }] of plan.runs.entries()) {
    while (!mayScheduleMore(progress) && !stopping.aborted) await delay(pauseMs);
    if (index % countEvery === 0) await backlogIsSmall(store, stopping);
    if (stopping.aborted) return;
    await scheduleOne(store, run, { acknowledged, stopping });
    progress.runsScheduled += count;
  }
}

export async function scheduleOne(
  store: Store,
  run: PlannedRun,
  to: { readonly acknowledged: string[]; readonly stopping: AbortSignal },
): Promise<void> {
  const scheduled = await retryUntil(to.stopping, () => scheduleRun(store, campaignEnvironment, run));
  if (scheduled !== null) to.acknowledged.push(scheduled.id);
}

/** Of everything that a fault may wait for: at work, writing to the log and the database, and lingering when it has answered. */
const forFaults: PlannedRun = { task: 'step', parameters: { sleepMs: 300, logs: 3, writes: true, lingersMs: 1_800 } };

/** Enough for each runner to have one. */
export async function scheduleForFaults(
  store: Store,
  runners: number,
  to: Parameters<typeof scheduleOne>[2],
): Promise<void> {
  for (let count = 0; count < 2 * runners; count += 1) await scheduleOne(store, forFaults, to);
}

async function backlogIsSmall(store: Store, stopping: AbortSignal): Promise<void> {
  while (((await retryUntil(stopping, () => countUnfinished(store)))?.unfinished ?? 0) > maxBacklog)
    await delay(10 * pauseMs);
}
