import { setTimeout as delay } from 'node:timers/promises';
import type { FaultKind } from '../plan/fault-kinds.ts';
import type { PlannedFault } from '../plan/plan-faults.ts';
import type { CampaignRunner } from '../processes/start-runners.ts';
import {
  cutConnections,
  loseCommitAnswers,
  slowConnections,
  swallowConnections,
  terminateSessions,
} from './connections.ts';
import { jumpLeaseClock } from './leases.ts';
import {
  jumpClock,
  killGuard,
  killRunner,
  killRunnerAfterAnswer,
  stopGuard,
  stopRunner,
  terminateRunner,
} from './runners.ts';
import { killForkServer, stopForkServer } from './fork-servers.ts';
import type { Striking } from './striking.ts';
import { killWorker, stopWorker } from './workers.ts';
import type { PlannedRun } from '../plan/plan-runs.ts';
import { scheduleOne } from '../workload/feed-runs.ts';

/** A fault that is being made. */
interface Blow extends Striking {
  readonly choice: number;
  /** Waits until the fault may have ended. */
  readonly heal: () => Promise<unknown>;
}

/** @returns false when there was nothing to strike */
type Way = (runner: CampaignRunner | undefined, blow: Blow) => Promise<boolean>;

const ways: Readonly<Record<FaultKind, Way>> = {
  worker_killed: onRunner((runner, { choice, witness }) => killWorker(runner, choice, witness)),
  worker_stopped: onRunner((runner, { choice, witness, heal }) => stopWorker(runner, { choice, heal }, witness)),
  runner_killed: onRunner((runner, { heal }) => killRunner(runner, heal)),
  runner_killed_after_answer: onRunner((runner, { witness, heal }) =>
    killRunnerAfterAnswer(runner, witness.lingering(), heal),
  ),
  runner_stopped: onRunner((runner, { heal }) => stopRunner(runner, heal)),
  runner_terminated: onRunner((runner, { heal }) => terminateRunner(runner, heal)),
  guard_killed: onRunner((runner, { stopping }) => killGuard(runner, stopping)),
  guard_stopped: onRunner((runner, { heal, stopping }) => stopGuard(runner, heal, stopping)),
  fork_server_killed: onRunner((runner, { choice }) => Promise.resolve(killForkServer(runner, choice))),
  fork_server_stopped: onRunner((runner, { choice, heal }) => stopForkServer(runner, choice, heal)),
  connections_cut: onRunner(async ({ proxy }) => cutConnections(proxy)),
  connections_slow: onRunner(({ proxy }, { choice, heal }) => slowConnections(proxy, choice, heal)),
  connections_blackholed: onRunner(({ proxy }, { heal }) => swallowConnections(proxy, heal)),
  commit_answer_lost: onRunner(({ proxy }, { choice, heal }) => loseCommitAnswers(proxy, choice, heal)),
  sessions_terminated: onRunner(({ proxy }, { store, stopping }) => terminateSessions(proxy, store, stopping)),
  clock_jumped: onRunner(({ number }, { choice, heal, clockOf }) => jumpClock(clockOf(number), choice, heal)),
  database_clock_jumped: (_runner, { store, heal }) => jumpLeaseClock(store, heal),
  database_restarted_fast: onDatabase('fast'),
  database_restarted_immediate: onDatabase('immediate'),
  task_crashed: byTask((choice) => ({
    task: 'crash',
    parameters: { how: ['abort', 'throw', 'kill'][digit(choice, 4) % 3], times: isEven(choice) ? 1 : 9 },
  })),
  task_exited: byTask((choice) => ({ task: 'crash', parameters: { how: 'exit', times: isEven(choice) ? 1 : 9 } })),
  task_out_of_memory: byTask((choice) => ({ task: 'hog', parameters: { where: isEven(choice) ? 'heap' : 'buffers' } })),
  task_timed_out: byTask((choice) => ({ task: 'hang', parameters: { isBusy: isEven(choice) } })),
  task_bred: byTask((choice) => ({ task: 'breed', parameters: { children: 1 + (digit(choice, 3) % 5) } })),
};

/** Makes one fault, and resolves when it is healed. @returns false when there was nothing for it to strike */
export function strike({ kind, runner, choice, lastsMs }: PlannedFault, striking: Striking): Promise<boolean> {
  const heal = (): Promise<unknown> => delay(lastsMs, undefined, { signal: striking.stopping }).catch(() => undefined);
  return ways[kind](runner === null ? undefined : striking.runners[runner], { ...striking, choice, heal });
}

function onRunner(way: (runner: CampaignRunner, blow: Blow) => Promise<boolean>): Way {
  return async (runner, blow) => runner !== undefined && way(runner, blow);
}

function onDatabase(how: 'fast' | 'immediate'): Way {
  return async (_runner, { database }) => {
    await database.restart?.(how);
    return database.restart !== null;
  };
}

function byTask(taskOf: (choice: number) => Parameters<typeof scheduleFaultyTask>[0]): Way {
  return async (_runner, blow) => {
    await scheduleFaultyTask(taskOf(blow.choice), blow.choice, blow);
    return true;
  };
}

/** Further digits of a choice, so that the queue and the manner do not go together. */
function digit(choice: number, place: number): number {
  return Math.floor(choice * 10 ** place) % 10;
}

function isEven(choice: number): boolean {
  return digit(choice, 3) % 2 === 0;
}

/** Schedules a task that makes a fault of its own. @param choice from 0 up to 1: its queue */
async function scheduleFaultyTask(
  run: PlannedRun,
  choice: number,
  { store, queues, acknowledged, stopping }: Striking,
): Promise<void> {
  const queue = queues[Math.floor(choice * queues.length)];
  await scheduleOne(store, queue === undefined ? run : { ...run, queue }, { acknowledged, stopping });
}
