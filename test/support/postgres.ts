import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, pid } from 'node:process';
import pg from 'pg';
import { stopPostmaster } from '../../src/engine/store/embedded/server-process.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { abandonedIn } from './abandoned.ts';
import { makePostgresServer } from './postgres-server.ts';

export interface TestDatabase {
  readonly url: string;
  dispose(): Promise<void>;
}

/** Where tests make their databases. */
export interface TestServer {
  readonly url: string;
  /** The name of a database on it that has this version's schema, and nothing else. */
  readonly template: string;
  stop(): Promise<void>;
}

/** How long the server of a test process waits for another test before it stops. It keeps the process alive until then. */
const idleMs = 300;

const prefix = 'cloudcode-test-server-';

/** As the embedded one; several test files use it at once. */
const settings = {
  max_connections: '400',
  shared_buffers: '128MB',
  jit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

let server: Promise<TestServer> | null = null;
let databases = 0;
let idle: NodeJS.Timeout | undefined;

/** A fresh database with nothing in it. */
export function testDatabaseUrl(): Promise<TestDatabase> {
  return makeDatabase((name) => `create database ${name}`);
}

/** A fresh database with this version's schema. */
export function migratedDatabase(): Promise<TestDatabase> {
  return makeDatabase((name, template) => `create database ${name} template ${template}`);
}

async function makeDatabase(statement: (name: string, template: string) => string): Promise<TestDatabase> {
  clearTimeout(idle);
  databases += 1;
  const { url, template } = await (server ??= startForProcess());
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runOn(url, statement(name, template));
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

function startForProcess(): Promise<TestServer> {
  // A test that failed may not have disposed of its database.
  process.once('beforeExit', () => void stopServer());
  return startTestServer();
}

/** The one that CLOUDCODE_TEST_DATABASE_URL names, else an embedded one. `npm test` starts one for all its processes, and names its template as well. */
export async function startTestServer(): Promise<TestServer> {
  const [given, template] = [env['CLOUDCODE_TEST_DATABASE_URL'] ?? '', env['CLOUDCODE_TEST_TEMPLATE'] ?? ''];
  if (given !== '' && template !== '') return { url: given, template, stop: () => Promise.resolve() };
  const started = given === '' ? await startEmbedded() : { url: given, stop: () => Promise.resolve() };
  const made = await makeTemplate(started.url);
  return {
    url: started.url,
    template: made,
    async stop() {
      if (given !== '') await runOn(given, `drop database ${made}`);
      await started.stop();
    },
  };
}

async function makeTemplate(url: string): Promise<string> {
  const name = `template_${randomUUID().replaceAll('-', '')}`;
  await runOn(url, `create database ${name}`);
  await using store = await openStore({ url: withDatabase(url, name) });
  await migrate(store);
  return name;
}

async function startEmbedded(): Promise<Omit<TestServer, 'template'>> {
  await removeAbandoned();
  const embedded = makePostgresServer({ folder: mkdtempSync(join(tmpdir(), `${prefix}${pid}-`)) });
  await embedded.start(settings);
  return { url: embedded.url, stop: async () => embedded[Symbol.asyncDispose]() };
}

/** The servers of test processes that were killed, as by a time limit. */
async function removeAbandoned(): Promise<void> {
  for (const folder of abandonedIn(tmpdir(), prefix)) await removeServer(folder);
}

async function removeServer(folder: string): Promise<void> {
  await stopPostmaster(folder, 10_000);
  rmSync(folder, { recursive: true, force: true });
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
