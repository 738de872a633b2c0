import { CloudCodeError } from '../core/errors.ts';
import type { Queryable } from './queryable.ts';

const oldestVersion = 150_000;

/**
 * Checks what no session can set.
 * @throws CloudCodeError `database_too_old`, `database_unsuitable`
 */
export async function checkServer(db: Queryable): Promise<void> {
  const [row] = await db.query<{ number: number; version: string; encoding: string; role: string }>({
    name: 'check_server',
    text: `
      select current_setting('server_version_num')::integer as number, current_setting('server_version') as version,
        current_setting('server_encoding') as encoding, current_setting('session_replication_role') as role`,
  });
  if (row === undefined || row.number < oldestVersion) {
    throw new CloudCodeError(
      'database_too_old',
      `The PostgreSQL server is version ${row?.version ?? 'unknown'}; CloudCode needs 15 or later.`,
      {
        hint: 'Name a newer server with --database URL, or leave it out to use the embedded one.',
      },
    );
  }
  if (row.encoding !== 'UTF8') {
    throw new CloudCodeError(
      'database_unsuitable',
      `The encoding of the database is ${row.encoding}, which does not hold every character.`,
      {
        hint: "Make another one: create database NAME encoding 'UTF8' template template0.",
      },
    );
  }
  if (row.role !== 'replica') return;
  throw new CloudCodeError(
    'database_unsuitable',
    'The database ignores triggers (session_replication_role = replica), which keep the order of queues.',
    {
      hint: 'Take that setting from the role, database or server: alter role … reset session_replication_role.',
    },
  );
}

/** What the server is set to that may lose what it has confirmed, each with what comes of it, for the operator. */
export async function readRisks(db: Queryable): Promise<readonly string[]> {
  const rows = await db.query<{ name: keyof typeof risks }>({
    name: 'risky_settings',
    // What a session that sets nothing would have.
    text: `select name from pg_settings where name in ('synchronous_commit', 'fsync', 'full_page_writes') and reset_val = 'off' order by name desc`,
  });
  return rows.map(({ name }) => `${name} = off: ${risks[name]}`);
}

const risks = {
  synchronous_commit: 'what was confirmed would be gone after a crash, so CloudCode sets it to on for itself',
  fsync: 'after a crash of its machine, what was confirmed may be gone and the data damaged; CloudCode cannot set it',
  full_page_writes: 'after a crash of its machine, the data may be damaged; CloudCode cannot set it',
} as const;
