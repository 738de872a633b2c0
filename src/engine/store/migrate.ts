import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CloudCodeError } from '../core/errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { Queryable, Store } from './open-store.ts';
import { sqlState } from './store-error.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

/** Serialises starters: an arbitrary constant that no other lock of CloudCode uses. */
const migrationLock = 7_234_118_330_417;

/** A large table takes its time, and so do those who came before. */
const limitMs = 3_600_000;

/**
 * Brings the database to this version's schema, in one transaction. Several processes may call it at once: they take turns.
 * @throws CloudCodeError `database_newer` when the database was migrated by a later version, `database_unreleased` by one from before the first release; `database_forbids`
 */
export async function migrate(store: Store): Promise<void> {
  const migrations = readMigrations();
  const bringUp = async (db: Queryable): Promise<void> => {
    await db.query({ name: 'migration_lock', text: `select pg_advisory_xact_lock(${migrationLock})`, limitMs });
    const applied = await readApplied(db);
    refuseUnreleased(applied, migrations);
    refuseNewer(applied, migrations);
    for (const migration of migrations.slice(applied.length)) await apply(db, migration);
  };
  await store.transaction(bringUp).catch((error: unknown) => {
    throw sqlState(error) === notPermitted ? forbidden(error) : error;
  });
}

const notPermitted = '42501';

function forbidden(error: unknown): CloudCodeError {
  const why = error instanceof Error ? error.message : String(error);
  return new CloudCodeError('database_forbids', `The user of the database may not do what CloudCode needs: ${why}.`, {
    hint: 'Let it make schemas (grant create on database … to …), and be the owner of the schema cloudcode and of all in it, if that is there already.',
    cause: error,
  });
}

/** Names of files, in order. */
async function readApplied(db: Queryable): Promise<readonly string[]> {
  const [found] = await db.query<{ exists: boolean }>({
    name: 'migrations_exist',
    text: "select to_regclass('cloudcode.migrations') is not null as exists",
  });
  if (found?.exists !== true) {
    await db.query({ name: 'create_schema', text: 'create schema if not exists cloudcode' });
    await db.query({
      name: 'create_migrations',
      text: 'create table cloudcode.migrations (number integer primary key, name text not null, applied_at timestamptz not null default now())',
    });
    return [];
  }
  const rows = await db.query<{ name: string }>({
    name: 'read_migrations',
    text: 'select name from cloudcode.migrations order by number',
  });
  return rows.map(({ name }) => name);
}

async function apply(db: Queryable, migration: Migration): Promise<void> {
  // Unnamed, because only the simple protocol takes several statements at once.
  await db.query({ name: '', text: migration.text, limitMs });
  await db.query({
    name: 'record_migration',
    text: 'insert into cloudcode.migrations (number, name) values ($1, $2)',
    values: [migration.number, migration.name],
  });
}

/** They were folded into one schema for the first release; the names of files tell which a database has. */
function refuseUnreleased(applied: readonly string[], migrations: readonly Migration[]): void {
  const other = applied.find((name, index) => migrations[index] !== undefined && migrations[index].name !== name);
  if (other === undefined) return;
  throw new CloudCodeError(
    'database_unreleased',
    `The database has the schema of a CloudCode from before its first release (${other}); this version cannot go on with it.`,
    {
      hint: 'Begin with another data folder (--data) or an empty database (--database); or go on with the version that made this one.',
    },
  );
}

function refuseNewer(applied: readonly string[], migrations: readonly Migration[]): void {
  if (applied.length <= migrations.length) return;
  throw new CloudCodeError(
    'database_newer',
    `The database is at migration ${applied.at(-1)}; this version of CloudCode knows ${migrations.at(-1)?.name}.`,
    {
      hint: 'Update CloudCode on this machine: migrations only go forward.',
    },
  );
}

function readMigrations(): readonly Migration[] {
  const folder = join(packageRoot, 'src/engine/store/migrations');
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => ({ number: Number(name.slice(0, 4)), name, text: readFileSync(join(folder, name), 'utf8') }));
}
