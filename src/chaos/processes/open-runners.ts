import { databaseServer } from '../../engine/store/database-url.ts';
import { openProxy, type Proxy } from '../proxy/open-proxy.ts';
import type { ScratchFolder } from '../scratch/scratch-folder.ts';
import { campaignRunner, type CampaignRunner } from './start-runners.ts';

export interface Runners extends AsyncDisposable {
  readonly all: readonly CampaignRunner[];
  /** SIGTERM, and for those that have not ended by then SIGKILL. */
  stop(): Promise<void>;
}

const concurrency = 4;
const stopWithinMs = 60_000;

/** Starts the runners, each on its own way to the database. Resolves when all work. */
export async function openRunners(
  count: number,
  on: {
    readonly databaseUrl: string;
    readonly scratch: ScratchFolder;
    readonly leaseMs: number;
    readonly stopping: AbortSignal;
  },
): Promise<Runners> {
  const server = databaseServer(on.databaseUrl);
  const proxies: Proxy[] = [];
  const all: CampaignRunner[] = [];
  for (let number = 0; number < count; number += 1) {
    const proxy = await openProxy(server.connect);
    proxies.push(proxy);
    all.push(
      campaignRunner(
        {
          number,
          proxy,
          concurrency,
          databaseUrl: server.throughPort(proxy.port),
          project: on.scratch.project,
          leaseMs: on.leaseMs,
          logFile: on.scratch.logOf(number),
          clockFile: on.scratch.clockOf(number),
        },
        on.stopping,
      ),
    );
  }
  const stop = async (): Promise<void> => {
    for (const runner of all) runner.signal('SIGTERM');
    await Promise.all(all.map((runner) => runner.ended(stopWithinMs)));
  };
  const close = async (): Promise<void> => {
    for (const runner of all) runner.signal('SIGKILL');
    await Promise.all(all.map((runner) => runner.ended(0)));
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  };
  await Promise.all(all.map((runner) => runner.start()));
  return { all, stop, [Symbol.asyncDispose]: close };
}
