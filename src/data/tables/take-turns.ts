import { setTimeout as sleep } from 'node:timers/promises';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { openSession, type Session } from '../../engine/store/open-session.ts';
import type { Queryable, Store } from '../../engine/store/open-store.ts';

export interface Turn {
  /** What is brought to a data model by one deployment at a time. */
  readonly schema: string;
  readonly patienceMs: number;
  readonly onProgress: (step: string) => void;
}

/** Half of the lock's key, an arbitrary constant; the other half stands for the schema. */
const deployLock = 723_411_833;
const askEveryMs = 200;

/**
 * Runs `work` while no other deployment changes this schema's tables, on any machine, with a session without time limits. The turn ends with
 * the session: a deployer that dies gives it up, though not before the statement that it left running in the server has ended.
 * @throws CloudCodeError `deploy_blocked` when another deployment takes longer than the patience
 */
export async function takeTurns<Result>(
  store: Store,
  turn: Turn,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  await using session = await openSession(store.url);
  await liftLimits(session);
  await waitForTurn(session, turn);
  return await work(session);
}

/** What the owner of the database set for statements of tasks and people would end the build of a large index. */
async function liftLimits(session: Session): Promise<void> {
  await session.query({
    name: '',
    text: `
      select set_config(name, '0', false) from pg_settings
      where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`,
  });
}

// It asks again and again, because one that waits within a statement has a snapshot, which `create index concurrently` of the other would wait for.
async function waitForTurn(session: Session, { schema, patienceMs, onProgress }: Turn): Promise<void> {
  const end = performance.now() + patienceMs;
  let told: string | null = null;
  while (!(await tryLock(session, schema))) {
    const holder = await describeHolder(session, schema);
    if (performance.now() > end) {
      throw new CloudCodeError(
        'deploy_blocked',
        `Another deployment changes the tables of ${schema}${holder}, and was not done in ${Math.round(patienceMs / 1000)} s.`,
        {
          hint: 'Deploy again when it is done.',
        },
      );
    }
    if (holder !== told) onProgress(`waiting for another deployment${holder}`);
    told = holder;
    await sleep(askEveryMs);
  }
}

async function tryLock(session: Session, schema: string): Promise<boolean> {
  const [row] = await session.query<{ taken: boolean }>({
    name: 'take_turn',
    text: `select pg_try_advisory_lock(${deployLock}, hashtext($1)) as taken`,
    values: [schema],
  });
  return row?.taken === true;
}

async function describeHolder(db: Queryable, schema: string): Promise<string> {
  const [row] = await db.query<{ pid: number; address: string | null; query: string | null }>({
    name: 'turn_holder',
    text: `
      select l.pid, host(a.client_addr) as address, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 100) as query
      from pg_locks l left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = ${deployLock}::oid and l.objid = hashtext($1)::oid
        and l.database = (select oid from pg_database where datname = current_database())`,
    values: [schema],
  });
  if (row === undefined) return '';
  const from = row.address === null ? '' : `, from ${row.address}`;
  return ` (pid ${row.pid}${from}${row.query === null || row.query === '' ? '' : `: ${row.query}`})`;
}
