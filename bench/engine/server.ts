import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedServer } from '../../src/engine/store/embedded/start-embedded-server.ts';
import { readProcessTree } from '../process-tree.ts';

/** The embedded PostgreSQL as a project has it, for all contenders: each gets a database of its own. */
export interface Server extends AsyncDisposable {
  /** Makes an empty database. */
  createDatabase(name: string): Promise<Database>;
  /** CPU time (ms) that this process, what it started, and the server have taken so far; 0 where there is no /proc. It tells costs apart where the machine has other things to do. */
  cpuMs(): number;
}

export interface Database {
  readonly url: string;
  query<Row extends object>(text: string): Promise<readonly Row[]>;
  /** What autovacuum and the checkpointer would do sooner or later is done now, so that it falls into nobody's time. */
  settle(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-bench-'));
  const server = await startEmbeddedServer({ folder: join(folder, '.cloudcode') });
  const stop = async (): Promise<void> => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await server.release();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const interrupted = (): void => void stop().finally(() => process.exit(130));
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  return {
    async createDatabase(name) {
      await runOn(server.url, `create database ${name}`);
      const url = server.url.replace('@/cloudcode?', `@/${name}?`);
      const query = <Row extends object>(text: string): Promise<readonly Row[]> => runOn<Row>(url, text);
      const settle = async (): Promise<void> => {
        await query('vacuum (analyze)');
        await query('checkpoint');
      };
      return { url, query, settle };
    },
    cpuMs: () =>
      readProcessTree([process.pid, server.postmasterPid]).reduce(
        (total, { cpuSeconds }) => total + cpuSeconds * 1000,
        0,
      ),
    [Symbol.asyncDispose]: stop,
  };
}

async function runOn<Row extends object>(url: string, text: string): Promise<readonly Row[]> {
  // Named as the store names its own, so that it is none of those for whom the server stays.
  const client = new pg.Client({ connectionString: url, application_name: 'cloudcode bench' });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
