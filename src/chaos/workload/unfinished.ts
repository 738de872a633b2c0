import type { Queryable } from '../../engine/store/open-store.ts';

export interface Unfinished {
  readonly runs: number;
  readonly unfinished: number;
  /** Grows with every attempt that is claimed and every run that ends: when it stands still, nothing happens. */
  readonly steps: number;
}

export async function countUnfinished(db: Queryable): Promise<Unfinished> {
  const [row] = await db.query<Unfinished>({
    name: 'chaos_unfinished',
    text: `
      select count(*)::integer as runs, count(*) filter (where state in ('queued', 'running'))::integer as unfinished,
        (coalesce(sum(attempt_count), 0) + count(*) filter (where state not in ('queued', 'running')))::integer as steps
      from cloudcode.runs`,
  });
  return row ?? { runs: 0, unfinished: 0, steps: 0 };
}
