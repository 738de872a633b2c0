import type { SendNotification } from './notifier.ts';
import type { Queryable } from './queryable.ts';

interface Noted {
  readonly environments: readonly number[];
  /** As PostgreSQL writes a timestamp. */
  readonly wakes: readonly string[];
  readonly seqs: readonly string[];
}

const nothing: Noted = { environments: [], wakes: [], seqs: [] };

/** Notifies the runners of all processes. Of each environment it notes the last of those that are due: an idle runner would have claimed it by the next time. @param by who is told of nothing that he did himself */
export function notifyRunners(query: Queryable['query'], by: string): SendNotification {
  let noted = nothing;
  return async (isForced) => {
    const [row] = await query<Noted & { readonly isTold: boolean }>({
      name: 'notify',
      text: `
        with told as materialized (
          select pg_notify('cloudcode', $1)
          where $2 or not exists (
            select from unnest($3::integer[], $4::timestamptz[], $5::bigint[]) as noted (environment_id, wake_at, seq)
              join cloudcode.ready r using (environment_id, wake_at, seq))
        )
        select (select count(*) from told) > 0 as "isTold", coalesce(array_agg(last.environment_id), '{}') as environments,
          coalesce(array_agg(last.wake_at::text), '{}') as wakes, coalesce(array_agg(last.seq::text), '{}') as seqs
        from cloudcode.environments e cross join lateral (
          select y.environment_id, y.wake_at, y.seq from cloudcode.ready y
          where y.environment_id = e.id and y.wake_at <= now() order by y.wake_at desc, y.seq desc limit 1
        ) last`,
      values: [`claimable ${by}`, isForced, noted.environments, noted.wakes, noted.seqs],
    });
    if (row?.isTold !== true) return false;
    noted = row;
    return true;
  };
}
