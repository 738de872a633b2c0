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
          select at from (
            select at, sum(cardinality(run_ids)) over (order by at desc rows between unbounded preceding and current row) as runs
            from cloudcode.endings where environment_id = e.id and not dead
          ) newest
          where runs >= e.keep_runs order by at desc limit 1
        ) end) as before
      ) kept
      where exists (
        select from cloudcode.endings where environment_id = e.id and not dead and at < kept.before and listed
      )`,
    limitMs: 60_000,
  });
}

/** Deletes up to `limit` finished runs, oldest first; what hangs on them is for deleteRemains. Several runners may do so at once. @returns how many, and whether there may be more */
export async function deleteFinishedRuns(
  db: Queryable,
  { environmentId, before }: Prunable,
  limit: number,
): Promise<{ readonly deleted: number; readonly isMore: boolean }> {
  const [row] = await db.query<{ deleted: number; isMore: boolean }>({
    name: 'delete_finished_runs',
    text: `
      with old as materialized (
        select ctid as place, at, run_ids from cloudcode.endings
        where environment_id = $1 and not dead and at < $2::timestamptz and listed
        order by at limit $3 for update skip locked
      ), slice as (
        select place, at, run_ids[:$3 - runs_before] as run_ids, run_ids[$3 - runs_before + 1:] as others from (
          select place, at, run_ids,
            coalesce(sum(cardinality(run_ids)) over (order by at, place rows between unbounded preceding and 1 preceding), 0)::integer as runs_before from old
        ) ordered where runs_before < $3
      ), taken as (
        delete from cloudcode.endings where ctid = any (array(select place from slice where others = '{}'))
      ), shortened as (
        update cloudcode.endings e set run_ids = slice.others from slice where e.ctid = slice.place and slice.others <> '{}'
      ), deleted as (
        delete from cloudcode.runs r using (select at, unnest(run_ids) as id from slice) ended
        where r.id = ended.id and r.state in ('succeeded', 'failed', 'cancelled') and r.finished_at = ended.at
        returning r.id, r.environment_id, r.task, r.state, r.seq
      ), unlisted as (
        delete from cloudcode.listed l using deleted d
        where l.environment_id = d.environment_id and l.task = d.task and l.state = d.state and l.seq = d.seq
      ), noted as (
        insert into cloudcode.pruned_runs (run_id) select id from deleted
      )
      select count(*)::integer as deleted, exists (select from slice) as "isMore" from deleted`,
    values: [environmentId, before, limit],
  });
  return row ?? { deleted: 0, isMore: false };
}

/**
 * Deletes up to `limit` attempts and log lines each, of runs that were deleted. No others can be added: whoever adds them holds the run. Several runners may do so at once.
 * @returns of how many runs; none when nothing is left, or others are at it
 */
export async function deleteRemains(db: Queryable, limit: number): Promise<number> {
  const [row] = await db.query<{ runs: number }>({
    name: 'delete_remains',
    text: `
      with taken as materialized (
        select run_id from cloudcode.pruned_runs order by run_id limit least($1::integer, 200) for update skip locked
      ), lines as materialized (
        select l.run_id, l.seq from taken join cloudcode.log_lines l using (run_id) limit $1
      ), attempts as materialized (
        select a.run_id, a.number from taken join cloudcode.past_attempts a using (run_id) limit $1
      ), deleted_lines as (
        delete from cloudcode.log_lines l using lines where l.run_id = lines.run_id and l.seq = lines.seq
      ), deleted_attempts as (
        delete from cloudcode.past_attempts a using attempts where a.run_id = attempts.run_id and a.number = attempts.number
      ), done as (
        delete from cloudcode.pruned_runs
        where run_id in (select run_id from taken)
          and (select count(*) from lines) < $1 and (select count(*) from attempts) < $1
      )
      select count(*)::integer as runs from taken`,
    values: [limit],
  });
  return row?.runs ?? 0;
}
