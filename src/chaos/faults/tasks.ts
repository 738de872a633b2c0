import type { PlannedRun } from '../plan/plan-runs.ts';
import { scheduleOne } from '../workload/feed-runs.ts';
import type { Striking } from './striking.ts';

/** Schedules a task that makes a fault of its own. @param choice from 0 up to 1: its queue */
export async function scheduleFaultyTask(
  run: PlannedRun,
  choice: number,
  { store, queues, acknowledged, stopping }: Striking,
): Promise<void> {
  const queue = queues[Math.floor(choice * queues.length)];
  await scheduleOne(store, queue === undefined ? run : { ...run, queue }, { acknowledged, stopping });
}
