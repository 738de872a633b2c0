import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../../engine/store/open-store.ts';

export interface BlockerWatch {
  /** Ends the watching. @returns who was last seen in the way; null when nobody was */
  stop(): Promise<string | null>;
}

const lookEveryMs = 300;

/** Looks again and again whom a backend waits for, and tells when that changes. `db` must be another connection than the backend's. */
export function watchBlockers(db: Queryable, backendPid: number, onBlocked: (who: string) => void): BlockerWatch {
  const stopping = new AbortController();
  let last: string | null = null;
  const watch = async (): Promise<void> => {
    while (await pause(stopping.signal)) {
      // A database that is away fails the statement that is watched; this one has nothing to add.
      const who = await describeBlockers(db, backendPid).catch(() => null);
      if (who === null || who === last) continue;
      last = who;
      onBlocked(who);
    }
  };
  const watching = watch();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return last;
    },
  };
}

function pause(signal: AbortSignal): Promise<boolean> {
  return sleep(lookEveryMs, undefined, { signal }).then(
    () => true,
    () => false,
  );
}

async function describeBlockers(db: Queryable, backendPid: number): Promise<string | null> {
  // Of sessions of other roles, PostgreSQL shows little more than the role.
  const rows = await db.query<BlockerRow>({
    name: 'blockers',
    text: `
      select b.pid, a.application_name as program, a.usename as role, a.state,
        cloudcode.iso(coalesce(a.xact_start, a.query_start)) as since, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 100) as query
      from (select distinct unnest(pg_blocking_pids($1)) as pid) b left join pg_stat_activity a on a.pid = b.pid
      order by a.xact_start, b.pid`,
    values: [backendPid],
  });
  return rows.length === 0 ? null : rows.map(describeBlocker).join('; ');
}

interface BlockerRow {
  readonly pid: number;
  readonly program: string | null;
  readonly role: string | null;
  readonly state: string | null;
  readonly since: string | null;
  readonly query: string | null;
}

function describeBlocker({ pid, program, role, state, since, query }: BlockerRow): string {
  // So does PostgreSQL show who has ended without a session left: `prepare transaction`.
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)';
  const parts = [
    program,
    role === null ? null : `role ${role}`,
    since === null ? state : `${state ?? 'active'}, since ${since}`,
    query,
  ];
  const known = parts.filter((part) => part !== null && part !== '');
  return `pid ${pid}${known.length > 0 ? ` (${known.join(', ')})` : ''}`;
}
