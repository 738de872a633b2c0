import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import pg from 'pg';
import { stopPostmaster } from '../../src/store/embedded/server-process.ts';
import { startEmbeddedServer } from '../../src/store/embedded/start-embedded-server.ts';

export interface TestDatabase {
  readonly url: string;
  dispose(): Promise<void>;
}

interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** How long the embedded server of a test process waits for another test before it stops. It keeps the process alive until then. */
const idleMs = 300;

const prefix = 'cloudcode-test-server-';

let server: Promise<TestServer> | null = null;
let databases = 0;
let idle: NodeJS.Timeout | undefined;

/** A fresh database: on the server that CLOUDCODE_TEST_DATABASE_URL names, else on one embedded server for this test process. */
export async function testDatabaseUrl(): Promise<TestDatabase> {
  clearTimeout(idle);
  databases += 1;
  const { url } = await (server ??= startServer());
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runOn(url, `create database ${name}`);
  return { url: withDatabase(url, name), dispose: () => dropDatabase(url, name) };
}

async function dropDatabase(url: string, name: string): Promise<void> {
  await runOn(url, `drop database if exists ${name} with (force)`);
  databases -= 1;
  if (databases === 0) idle = setTimeout(() => void stopServer(), idleMs);
}

async function stopServer(): Promise<void> {
  const stopping = server;
  server = null;
  await (await stopping)?.stop();
}

async function startServer(): Promise<TestServer> {
  const given = process.env['CLOUDCODE_TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  await removeAbandoned();
  // A test that failed may not have disposed of its database.
  process.once('beforeExit', () => void stopServer());
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${pid}-`));
  const embedded = await startEmbeddedServer({ folder: join(folder, '.cloudcode') });
  return {
    url: embedded.url,
    async stop() {
      await embedded.release();
      await removeServer(folder);
    },
  };
}

/** The servers of test processes that were killed, as by a time limit. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    const owner = Number(name.slice(prefix.length).split('-')[0]);
    if (owner > 0 && !isAlive(owner)) await removeServer(join(tmpdir(), name));
  }
}

async function removeServer(folder: string): Promise<void> {
  // It runs on when a test left a client of it behind.
  await stopPostmaster(join(folder, '.cloudcode'), 10_000);
  rmSync(folder, { recursive: true, force: true });
}

function isAlive(owner: number): boolean {
  try {
    return kill(owner, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export async function runOn(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(text);
  await client.end();
}

// The embedded server's URL has no host (`postgres://user:password@/name?host=…`), which the URL class does not take.
function withDatabase(url: string, name: string): string {
  return url.replace(/^([^?]*\/\/[^/?]*\/)[^?]*/, `$1${name}`);
}
