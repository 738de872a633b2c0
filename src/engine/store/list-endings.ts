import type { Queryable } from './open-store.ts';

/** The most endings that one statement looks at, and about how many of their runs it lists. */
const max = { endings: 500, runs: 5_000 };

/**
 * Enters finished runs in `listed`, apart from their ends: those of endings that are not listed yet, and that nobody else is at. Several may do so at once.
 * A retry of one of them waits for the row of its ending, and then deletes what is listed of it.
 * @returns how many, and whether there may be more
 */
export async function listEndings(db: Queryable): Promise<{ readonly listed: number; readonly isMore: boolean }> {
  const [row] = await db.query<{ listed: number; isMore: boolean }>({
    name: 'list_endings',
    text: `
      with unlisted as materialized (
        select ctid as place, at, run_ids from cloudcode.endings where not listed limit ${max.endings} for update skip locked
      ), slice as materialized (
        select place, at, run_ids from (
          select place, at, run_ids, sum(cardinality(run_ids)) over (order by place rows between unbounded preceding and 1 preceding) as runs_before from unlisted
        ) ordered where coalesce(runs_before, 0) < ${max.runs}
      ), entered as (
        insert into cloudcode.listed (environment_id, seq, deployment_id, state, task, queue, key, scheduled_by, fingerprint)
        select r.environment_id, r.seq, r.deployment_id, r.state, r.task, r.queue, r.key, r.scheduled_by, r.fingerprint
        from (select at, unnest(run_ids) as id from slice) ended join cloudcode.runs r on r.id = ended.id and r.finished_at = ended.at
        order by r.seq
        returning 1
      ), marked as (
        update cloudcode.endings e set listed = true from slice where e.ctid = slice.place
      )
      select count(*)::integer as listed, exists (select from slice) as "isMore" from entered`,
  });
  return row ?? { listed: 0, isMore: false };
}

/** How many finished runs of an environment are not listed yet. */
export async function countUnlisted(db: Queryable, environmentId: number): Promise<number> {
  const [row] = await db.query<{ runs: number }>({
    name: 'count_unlisted',
    text: 'select coalesce(sum(cardinality(run_ids)), 0)::integer as runs from cloudcode.endings where environment_id = $1 and not listed',
    values: [environmentId],
  });
  return row?.runs ?? 0;
}
