import type { Retention } from '../core/retention.ts';
import type { Queryable } from './open-store.ts';

/** @returns whether it was another */
export async function setRetention(db: Queryable, environmentId: number, { days, runs }: Retention): Promise<boolean> {
  const changed = await db.query({
    name: 'set_retention',
    text: 'update cloudcode.environments set keep_days = $2, keep_runs = $3 where id = $1 and (keep_days, keep_runs) is distinct from ($2, $3) returning id',
    values: [environmentId, days, runs],
  });
  return changed.length > 0;
}

/** An environment that has finished runs to forget: those that ended before this time. */
export interface Prunable {
  readonly environmentId: number;
  /** As PostgreSQL writes a timestamp. */
  readonly before: string;
}

/** The environments that keep runs for longer, or more of them, than they should. */
export function readPrunable(db: Queryable): Promise<readonly Prunable[]> {
  return db.query<Prunable>({
    name: 'read_prunable',
    text: `
      select e.id as "environmentId", kept.before::text as before
      from cloudcode.environments e cross join lateral (
        -- Those that ended together with the last that is kept are kept as well.
        select greatest(now() - e.keep_days * interval '1 day', case when e.keep_runs = 0 then timestamptz 'infinity' else (
          select r.finished_at from cloudcode.runs r
          where r.environment_id = e.id and r.state in ('succeeded', 'failed', 'cancelled')
          order by r.finished_at desc offset greatest(e.keep_runs - 1, 0) limit 1
        ) end) as before
      ) kept
      where exists (
        select from cloudcode.runs r
        where r.environment_id = e.id and r.state in ('succeeded', 'failed', 'cancelled') and r.finished_at < kept.before
      )`,
    limitMs: 60_000,
  });
}

/** Deletes up to `limit` finished runs, oldest first, with their attempts, log lines and batches. Several runners may do so at once. @returns how many */
export async function deleteFinishedRuns(db: Queryable, { environmentId, before }: Prunable, limit: number): Promise<number> {
  const [row] = await db.query<{ count: number }>({
    name: 'delete_finished_runs',
    text: `
      with old as materialized (
        select id from cloudcode.runs
        where environment_id = $1 and state in ('succeeded', 'failed', 'cancelled') and finished_at < $2::timestamptz
        order by finished_at limit $3 for update skip locked
      ), deleted as (
        delete from cloudcode.runs where id in (select id from old) returning id
      ), attempts as (
        delete from cloudcode.attempts where run_id in (select id from old)
      ), lines as (
        delete from cloudcode.log_lines where run_id in (select id from old)
      )
      select count(*)::integer as count from deleted`,
    values: [environmentId, before, limit],
  });
  return row?.count ?? 0;
}
