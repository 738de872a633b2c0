import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { CloudCodeError } from '../../core/errors.ts';
import { ensureDataFolder, failed, lastLines, type Settings } from './data-folder.ts';
import { findBinaries } from './find-binaries.ts';
import { logFileOf, postmasterPid, removeForeignPidFile, startPostmaster, stopPostmaster, type Postmaster } from './postmaster.ts';
import { checkWritable, chooseRunAs } from './run-as.ts';

/** A project's own PostgreSQL server, shared by all processes that started it for the same folder. */
export interface EmbeddedServer extends AsyncDisposable {
  /** For the `pg` driver; holds the password. */
  readonly url: string;
  readonly folder: string;
  /** False when it ran already. */
  readonly startedHere: boolean;
  readonly postmasterPid: number;
  /** Stops the server when nobody else uses it. */
  release(): Promise<void>;
}

const patienceMs = 60_000;
const stopWithinMs = 30_000;
/** Every user of the server holds this lock shared; who gets it alone may stop the server. */
const usersLock = 7_234_118_330_418;

/**
 * Starts the embedded PostgreSQL of a `.cloudcode` folder, or joins the one that runs.
 * @throws CloudCodeError `embedded_failed`, `embedded_unsupported`, `embedded_other_version`
 */
export async function startEmbeddedServer(options: { readonly folder: string }): Promise<EmbeddedServer> {
  const folder = makeFolder(options.folder);
  const binaries = findBinaries(join(folder, 'lib'));
  const runAs = chooseRunAs(folder, join(folder, 'postgres'), binaries);
  const settings = ensureDataFolder(folder, runAs, binaries);
  const { keeper, startedHere } = await joinServer({ folder, settings, runAs, binaries });
  let released: Promise<void> | null = null;
  const release = (): Promise<void> => (released ??= leave(keeper, folder));
  return {
    url: urlOf(settings, 'cloudcode'),
    folder,
    startedHere,
    postmasterPid: postmasterPid(folder) ?? 0,
    release,
    [Symbol.asyncDispose]: release,
  };
}

function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    checkWritable(path);
    writeFileSync(join(path, '.gitignore'), '*\n');
    return realpathSync(path);
  } catch (error) {
    if (error instanceof CloudCodeError) throw error;
    throw failed(`The folder ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Connects, starting the server as often as it takes: another process may be stopping it, or a crash may still hold its memory. */
async function joinServer(postmaster: Postmaster): Promise<{ keeper: pg.Client; startedHere: boolean }> {
  const end = performance.now() + patienceMs;
  let own: { exited: Promise<void>; hasExited: boolean } | null = null;
  let startedHere = false;
  for (;;) {
    const keeper = await connect(postmaster.settings);
    if (keeper instanceof pg.Client) return { keeper, startedHere };
    if (performance.now() > end) throw failed(`The embedded PostgreSQL did not answer within ${patienceMs / 1000} s: ${keeper.message}\n${readLog(postmaster.folder)}`, keeper);
    if (own?.hasExited === true) {
      startedHere = false;
      await considerFailure(postmaster.folder);
      own = null;
    }
    // A server that starts up or shuts down answers so; any other refusal means that there is none.
    if (own === null && !isBusy(keeper)) {
      const started = { ...startPostmaster(postmaster), hasExited: false };
      void started.exited.then(() => (started.hasExited = true));
      own = started;
      startedHere = true;
    }
    await elapsed(own === null ? 50 : 15);
  }
}

async function connect(settings: Settings): Promise<pg.Client | Error> {
  let database = 'cloudcode';
  for (;;) {
    const client = new pg.Client({ connectionString: urlOf(settings, database), application_name: 'cloudcode keeper', connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (database === 'cloudcode') {
        await client.query(`select pg_advisory_lock_shared(${usersLock})`);
        return client;
      }
      await createDatabase(client);
      database = 'cloudcode';
    } catch (error) {
      await client.end().catch(() => undefined);
      if ((error as { code?: string }).code !== '3D000') return error as Error;
      database = 'postgres';
    }
  }
}

async function createDatabase(client: pg.Client): Promise<void> {
  await client.query('create database cloudcode').catch((error: unknown) => {
    // Another starter made it at the same moment.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error as Error;
  });
  await client.end();
}

/** Why a server that was started has ended: returns when it is worth another try. */
async function considerFailure(folder: string): Promise<void> {
  const log = readLog(folder);
  if (/pre-existing shared memory block|could not create shared memory/.test(log)) return elapsed(250);
  if (/lock file "[^"]*" already exists/.test(log)) {
    // Somebody else's, most likely; else a pid file that a crash left, whose pid another program has now.
    removeForeignPidFile(folder);
    return elapsed(100);
  }
  throw failed(`The embedded PostgreSQL ended right after its start:\n${log}`);
}

function isBusy(error: Error): boolean {
  return (error as { code?: string }).code === '57P03';
}

/** Whether the server is still needed is decided under a lock that nobody can join meanwhile. */
async function leave(keeper: pg.Client, folder: string): Promise<void> {
  try {
    await keeper.query(`select pg_advisory_unlock_shared(${usersLock})`);
    const alone = await keeper.query<{ alone: boolean }>(
      `select pg_try_advisory_lock(${usersLock})
         and not exists (select 1 from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()) as alone`,
    );
    if (alone.rows[0]?.alone === true) await stopPostmaster(folder, stopWithinMs);
  } catch {
    // The server is gone, so there is nothing to leave.
  } finally {
    await keeper.end().catch(() => undefined);
  }
}

function urlOf({ password, socketFolder }: Settings, database: string): string {
  return `postgres://cloudcode:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(socketFolder)}&port=5432`;
}

function readLog(folder: string): string {
  try {
    return lastLines(readFileSync(logFileOf(folder), 'utf8').slice(-8000));
  } catch {
    return '';
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
