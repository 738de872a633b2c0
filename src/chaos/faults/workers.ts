import { childrenOf } from '../processes/runner-children.ts';
import { signalProcess, type KnownProcess } from '../processes/known-process.ts';
import type { CampaignRunner } from '../processes/start-runners.ts';
import type { WitnessFile } from '../witness/witness-file.ts';

export async function killWorker(runner: CampaignRunner, choice: number, witness: WitnessFile): Promise<boolean> {
  const worker = chooseWorker(runner, choice, witness.working());
  return worker !== null && signalProcess(worker, 'SIGKILL');
}

/** When it goes on, its attempt may have ended long since, and its run another's. */
export async function stopWorker(
  runner: CampaignRunner,
  how: { readonly choice: number; heal(): Promise<unknown> },
  witness: WitnessFile,
): Promise<boolean> {
  const worker = chooseWorker(runner, how.choice, witness.working());
  if (worker === null || !signalProcess(worker, 'SIGSTOP')) return false;
  await how.heal();
  signalProcess(worker, 'SIGCONT');
  return true;
}

/** One that is at work, if any is; else one that waits. */
function chooseWorker(runner: CampaignRunner, choice: number, working: ReadonlySet<number>): KnownProcess | null {
  const pid = runner.pid();
  const all = pid === null ? [] : childrenOf(pid).workers;
  const busy = all.filter((worker) => working.has(worker.pid));
  const candidates = busy.length > 0 ? busy : all;
  return candidates[Math.floor(choice * candidates.length)] ?? null;
}
