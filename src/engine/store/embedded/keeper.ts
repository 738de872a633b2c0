import pg from 'pg';
import { stopPostmaster } from './server-process.ts';
import type { Settings } from './settings.ts';

const stopWithinMs = 30_000;
const looksAtOthers = 10;
const applicationName = 'cloudcode keeper';
/** Every user of the server holds this lock shared; who gets it alone may stop the server. */
const usersLock = 7_234_118_330_418;

/** For the `pg` driver; holds the password. */
export function urlOf({ password, socketFolder }: Settings, database: string): string {
  return `postgres://cloudcode:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(socketFolder)}&port=5432`;
}

/** The connection that says for as long as it lives: this process uses the server. Makes the database if it is not there. */
export async function connectKeeper(settings: Settings): Promise<pg.Client | Error> {
  const keeper = await connect(settings, 'cloudcode');
  if ((keeper as { code?: string }).code !== '3D000') return keeper;
  const maker = await connect(settings, 'postgres');
  if (maker instanceof Error) return maker;
  const made = await createDatabase(maker);
  return made ?? connect(settings, 'cloudcode');
}

/** Whether the connection keeps its process alive. (The driver's types leave these two out.) */
export function holdOpen(keeper: pg.Client, holds: boolean): void {
  const client = keeper as pg.Client & { ref(): void; unref(): void };
  if (holds) client.ref();
  else client.unref();
}

/** Lets the server go, and stops it when nobody else uses it. That is decided under a lock that nobody can join meanwhile. */
export async function leave(keeper: pg.Client, folder: string): Promise<void> {
  holdOpen(keeper, true);
  try {
    await keeper.query(`select pg_advisory_unlock_shared(${usersLock})`);
    if ((await isLastUser(keeper)) && (await othersAreGone(keeper))) await stopPostmaster(folder, stopWithinMs);
  } catch {
    // The server is gone, so there is nothing to leave.
  } finally {
    await keeper.end().catch(() => undefined);
  }
}

// A keeper without the lock is one that leaves too, or one that comes and will start its own server.
async function isLastUser(keeper: pg.Client): Promise<boolean> {
  const answer = await keeper.query<{ last: boolean }>(`select pg_try_advisory_lock(${usersLock}) as last`);
  return answer.rows[0]?.last === true;
}

/** Whether no other program (psql, say) is connected. The server takes a moment to notice that a connection was closed. */
async function othersAreGone(keeper: pg.Client): Promise<boolean> {
  for (let look = 0; look < looksAtOthers; look += 1) {
    if (look > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = await keeper.query<{ none: boolean }>(
      `select not exists (select 1 from pg_stat_activity where backend_type = 'client backend' and application_name not like 'cloudcode%') as none`,
    );
    if (answer.rows[0]?.none === true) return true;
  }
  return false;
}

async function connect(settings: Settings, database: string): Promise<pg.Client | Error> {
  const client = new pg.Client({
    connectionString: urlOf(settings, database),
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (database === 'cloudcode') await client.query(`select pg_advisory_lock_shared(${usersLock})`);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    return error as Error;
  }
}

async function createDatabase(client: pg.Client): Promise<Error | null> {
  try {
    await client.query('create database cloudcode');
    return null;
  } catch (error) {
    // Another starter made it at the same moment.
    return ['42P04', '23505'].includes((error as { code?: string }).code ?? '') ? null : (error as Error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
