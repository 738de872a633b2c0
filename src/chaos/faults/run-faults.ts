import { setTimeout as delay } from 'node:timers/promises';
import { bootTimeMs } from '../../engine/runner/containment/boot-clock.ts';
import { factsOf, type FaultKind } from '../plan/fault-kinds.ts';
import type { PlannedFault } from '../plan/plan-faults.ts';
import { retryUntil } from '../retry-until.ts';
import { mayBeginFault, type Progress } from '../workload/progress.ts';
import { countUnfinished } from '../workload/unfinished.ts';
import { strike } from './strike.ts';
import type { Striking } from './striking.ts';

/** A fault that was made. Times are of the boot clock. */
export interface MadeFault {
  readonly kind: FaultKind;
  readonly runner: number | null;
  readonly beganAt: number;
  readonly healedAt: number;
}

const pauseMs = 50;
const againMs = 200;
/** A runner that was ended drains, ends and starts again within this time. */
const patienceMs = 120_000;
/** How many times more runs are scheduled for a fault that has found nothing to strike among all others. */
const maxMore = 10;

/**
 * Makes the faults of the plan, each when its time has come: while others last, but never two at once at the processes of one runner, its connections, or the database. So a runner
 * and its guard are never frozen together. Resolves when all are healed. One that finds nothing to strike is tried again until it does. When every run is finished, more are scheduled for it, a few times:
 * what is not made then is missing in what is returned.
 */
export async function runFaults(
  plan: readonly PlannedFault[],
  striking: Striking,
  progress: Progress,
): Promise<readonly MadeFault[]> {
  const made: MadeFault[] = [];
  const turns = new Map<string, Promise<void>>();
  const startedAt = performance.now();
  let behindMs = 0;

  const strikeInTurn = async (fault: PlannedFault): Promise<void> => {
    const end = performance.now() + patienceMs;
    let more = 0;
    while (performance.now() < end && !striking.stopping.aborted) {
      const beganAt = bootTimeMs();
      if (await strike(fault, striking)) {
        made.push({ kind: fault.kind, runner: fault.runner, beganAt, healedAt: bootTimeMs() });
        return;
      }
      if (await isAllFinished(striking, progress)) {
        if (more === maxMore) return;
        more += 1;
        await striking.scheduleMore();
      }
      await delay(againMs);
    }
  };
  for (const fault of plan) {
    const waitedFrom = performance.now();
    const dueAt = startedAt + behindMs + fault.atMs;
    while (performance.now() < dueAt && !striking.stopping.aborted)
      await delay(Math.min(pauseMs, Math.max(1, dueAt - performance.now())));
    while (!mayBeginFault(progress) && !striking.stopping.aborted) await delay(pauseMs);
    if (striking.stopping.aborted) break;
    // When the runs lag behind, the faults that follow come later by as much: they are not made up for in a burst.
    behindMs += Math.max(0, performance.now() - Math.max(waitedFrom, dueAt));
    progress.faultsBegun += 1;
    const place = `${factsOf(fault.kind).target} ${fault.runner}`;
    turns.set(
      place,
      (turns.get(place) ?? Promise.resolve()).then(() => strikeInTurn(fault)),
    );
  }
  await Promise.all(turns.values());
  return made;
}

/** There is nothing left that a fault could still be waiting for. */
async function isAllFinished({ store, stopping }: Striking, { runs, runsScheduled }: Progress): Promise<boolean> {
  if (runsScheduled < runs) return false;
  return (await retryUntil(stopping, () => countUnfinished(store)))?.unfinished === 0;
}
