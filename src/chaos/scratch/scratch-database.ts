import { randomUUID } from 'node:crypto';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, readStat } from '../../engine/runner/containment/proc-files.ts';
import { withDatabase } from '../../engine/store/database-url.ts';
import { stopPostmaster } from '../../engine/store/embedded/server-process.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../engine/store/embedded/start-embedded-server.ts';
import { openSession } from '../../engine/store/open-session.ts';
import { embeddedFolderOf, type ScratchFolder } from './scratch-folder.ts';

/** The database of a campaign, which nothing else uses. */
export interface ScratchDatabase {
  readonly url: string;
  /** Stops the server and starts it again; null for a server that is not the campaign's own. */
  readonly restart: ((how: 'fast' | 'immediate') => Promise<void>) | null;
  /** Lets it go; `remove` drops it. */
  close(options: { readonly remove: boolean }): Promise<void>;
}

const stopWithinMs = 30_000;

/** A database of its own on the server that the URL names: a runner serves all environments of its database, and may be killed with all that it does. */
export async function createDatabase(serverUrl: string): Promise<ScratchDatabase> {
  const name = `cloudcode_chaos_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await runOn(serverUrl, `create database ${name}`);
  return {
    url: withDatabase(serverUrl, name),
    restart: null,
    close: async ({ remove }) => {
      if (remove) await runOn(serverUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

async function runOn(url: string, text: string): Promise<void> {
  await using session = await openSession(url);
  await session.query({ name: '', text });
}

/** An embedded server in the scratch folder. */
export async function startServer(scratch: ScratchFolder): Promise<ScratchDatabase> {
  const folder = embeddedFolderOf(scratch);
  let server: EmbeddedServer = await startEmbeddedServer({ folder });
  const { url } = server;
  return {
    url,
    async restart(how) {
      const before = server;
      if (how === 'fast') await stopPostmaster(folder, stopWithinMs);
      else await killServer(before.postmasterPid);
      server = await startEmbeddedServer({ folder });
      await before.release();
    },
    close: () => server.release(),
  };
}

/** As after a power failure, but for the disk: nobody is asked to finish anything. */
async function killServer(pid: number): Promise<void> {
  kill(pid, 'SIGQUIT');
  const end = performance.now() + stopWithinMs;
  while (isAlive(readStat(pid)) && performance.now() < end) await delay(10);
}
