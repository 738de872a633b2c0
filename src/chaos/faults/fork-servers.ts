import { type KnownProcess, signalProcess } from '../processes/known-process.ts';
import { childrenOf } from '../processes/runner-children.ts';
import type { CampaignRunner } from '../processes/start-runners.ts';

/** Its workers end with it, in whatever they are doing. */
export function killForkServer(runner: CampaignRunner, choice: number): boolean {
  const server = chooseForkServer(runner, choice);
  return server !== null && signalProcess(server, 'SIGKILL');
}

/** Its workers go on, but nobody is told when one of them ends, and who asks for another waits. */
export async function stopForkServer(
  runner: CampaignRunner,
  choice: number,
  heal: () => Promise<unknown>,
): Promise<boolean> {
  const server = chooseForkServer(runner, choice);
  if (server === null || !signalProcess(server, 'SIGSTOP')) return false;
  await heal();
  signalProcess(server, 'SIGCONT');
  return true;
}

function chooseForkServer(runner: CampaignRunner, choice: number): KnownProcess | null {
  const pid = runner.pid();
  const servers = pid === null ? [] : childrenOf(pid).forkServers;
  return servers[Math.floor(choice * servers.length)] ?? null;
}
