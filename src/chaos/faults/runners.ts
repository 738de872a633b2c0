import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type KnownProcess, isStillAlive, signalProcess } from '../processes/known-process.ts';
import { childrenOf } from '../processes/runner-children.ts';
import type { CampaignRunner } from '../processes/start-runners.ts';

type Heal = () => Promise<unknown>;

/** Longer than a runner drains by itself. */
const terminatesWithinMs = 90_000;
const killedWithinMs = 10_000;
/** For a new guard to be there, and to have been named a deadline. */
const guardIsBackMs = 1_000;
const guardPatienceMs = 10_000;
const lookMs = 50;

export async function killRunner(runner: CampaignRunner, heal: Heal): Promise<boolean> {
  if (runner.pid() === null) return false;
  runner.signal('SIGKILL');
  await runner.ended(killedWithinMs);
  await heal();
  await runner.start();
  return true;
}

/** Only while a worker of it lives on that has answered: its answer stands, whoever takes over. */
export async function killRunnerAfterAnswer(
  runner: CampaignRunner,
  lingering: ReadonlySet<number>,
  heal: Heal,
): Promise<boolean> {
  const pid = runner.pid();
  const hasLingering = pid !== null && childrenOf(pid).workers.some((worker) => lingering.has(worker.pid));
  return hasLingering && killRunner(runner, heal);
}

export async function stopRunner(runner: CampaignRunner, heal: Heal): Promise<boolean> {
  if (runner.pid() === null) return false;
  runner.signal('SIGSTOP');
  await heal();
  runner.signal('SIGCONT');
  return true;
}

export async function terminateRunner(runner: CampaignRunner, heal: Heal): Promise<boolean> {
  if (runner.pid() === null) return false;
  runner.signal('SIGTERM');
  await runner.ended(terminatesWithinMs);
  await heal();
  await runner.start();
  return true;
}

export async function killGuard(runner: CampaignRunner, stopping: AbortSignal): Promise<boolean> {
  const guard = guardOf(runner);
  if (guard === null || !signalProcess(guard, 'SIGKILL')) return false;
  await otherGuard(runner, guard, stopping);
  return true;
}

/** The runner notices that it does not answer and starts another; or it goes on before that. */
export async function stopGuard(runner: CampaignRunner, heal: Heal, stopping: AbortSignal): Promise<boolean> {
  const guard = guardOf(runner);
  if (guard === null || !signalProcess(guard, 'SIGSTOP')) return false;
  await heal();
  signalProcess(guard, 'SIGCONT');
  if (!isStillAlive(guard)) await otherGuard(runner, guard, stopping);
  await delay(guardIsBackMs);
  return true;
}

/** The wall clock of the runner is off by up to two hours, either way. */
export async function jumpClock(clockFile: string, choice: number, heal: Heal): Promise<boolean> {
  writeFileSync(clockFile, String(Math.round((choice - 0.5) * 4 * 3_600_000)));
  await heal();
  rmSync(clockFile, { force: true });
  return true;
}

function guardOf(runner: CampaignRunner): KnownProcess | null {
  const pid = runner.pid();
  return pid === null ? null : childrenOf(pid).guard;
}

/** Until there is one again nothing else may happen to the runner: without its guard it must not be frozen. */
async function otherGuard(runner: CampaignRunner, before: KnownProcess, stopping: AbortSignal): Promise<void> {
  const end = performance.now() + guardPatienceMs;
  for (;;) {
    const guard = guardOf(runner);
    if (guard !== null && guard.pid !== before.pid) break;
    if (runner.pid() === null || stopping.aborted || performance.now() > end) return;
    await delay(lookMs);
  }
  await delay(guardIsBackMs);
}
