import { endLostAttempts, rescueRuns } from '../operations/rescue-runs.ts';
import type { Store } from '../store/open-store.ts';
import { deleteEndedRunners, expireLease, readHeldAttempts, readOtherRunners, renewLease, reviveLease } from '../store/runners.ts';
import { bootTimeMs } from './boot-clock.ts';
import { endLeftovers } from './containment/end-leftovers.ts';
import type { Claimer } from './claim-due.ts';
import type { OnEvent } from './events.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';
import { isKnownDead } from './process-identity.ts';
import type { RunSlots } from './run-slots.ts';

/** How long a runner's lease lasts: its death is noticed within this time, by runners of other machines. */
export const leaseMs = 15_000;
const renewEveryMs = leaseMs / 5;
/** The workers are ended this long before anybody may take over. */
const killMarginMs = 3_000;

export interface LeaseHolder {
  /** The lease could not be renewed in time: every attempt must end now. */
  onLost(): void;
  /** A lost lease was taken again, after every attempt had ended. */
  onRevived(): void;
  readonly slots: RunSlots;
  readonly claimer: Claimer;
  readonly onEvent: OnEvent;
}

/**
 * Renews the runner's lease, and takes back the runs of runners that are gone. The kill deadline counts from before each renewal was asked for,
 * by a clock that counts suspend.
 */
export function holdLease(store: Store, runnerId: string, holder: LeaseHolder): IntervalLoop {
  let deadline = bootTimeMs() + leaseMs - killMarginMs;
  let lost = false;
  const watch = setInterval(() => {
    if (lost || bootTimeMs() < deadline) return;
    lost = true;
    holder.onLost();
  }, 250);
  const turn = async (): Promise<number> => {
    const asked = bootTimeMs();
    if (!lost && (await renewLease(store, runnerId, leaseMs))) {
      deadline = asked + leaseMs - killMarginMs;
    } else if (!lost) {
      lost = true;
      holder.onLost();
    } else if (holder.slots.size() === 0) {
      await reviveLease(store, runnerId, leaseMs);
      deadline = asked + leaseMs - killMarginMs;
      lost = false;
      holder.onRevived();
    }
    await lookAtHeldRuns(store, runnerId, holder);
    await expireDeadNeighbours(store, runnerId);
    const count = await rescueRuns(store);
    if (count > 0) holder.onEvent({ kind: 'runs_rescued', count });
    await deleteEndedRunners(store);
    return renewEveryMs;
  };
  const loop = startLoop({
    turn,
    onError: (error) => {
      holder.onEvent({ kind: 'trouble', what: 'the lease could not be renewed', error });
      return 1000;
    },
  });
  const stop = async (): Promise<void> => {
    clearInterval(watch);
    await loop.stop();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}

/**
 * Cancels what somebody asked to cancel while no notification came through, and takes back what this runner holds without knowing: a claim
 * whose answer was lost on its way. No claim may be under way around the look, or its runs would be taken for lost.
 */
async function lookAtHeldRuns(store: Store, runnerId: string, { slots, claimer }: LeaseHolder): Promise<void> {
  const stillness = claimer.stillness();
  const held = await readHeldAttempts(store, runnerId);
  for (const run of held) if (run.cancelRequested) slots.cancel(run.id);
  if (stillness === null || claimer.stillness() !== stillness) return;
  await endLostAttempts(store, held.filter((run) => !slots.holds(run.id)), 'The answer to its claim was lost.');
}

/**
 * Runners of this machine whose process is known to be dead need no lease to run out: what their workers left is ended here, and when it is
 * known to be gone their runs are free.
 */
async function expireDeadNeighbours(store: Store, runnerId: string): Promise<void> {
  for (const runner of await readOtherRunners(store, runnerId)) {
    if (!isKnownDead(runner.processIdentity)) continue;
    await endLeftovers(runner.id);
    await expireLease(store, runner.id);
  }
}
