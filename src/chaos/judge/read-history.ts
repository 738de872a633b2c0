import { checkStore } from '../../engine/store/check-store.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import type { AttemptEnd, DataWrite, History, LateLine, RunChange, Witnessed } from './history.ts';
import { schemaOfMarks } from './install-audit.ts';

/** Reads what the audit has recorded, and how things are at the end. */
export async function readHistory(db: Queryable, witnessed: Witnessed): Promise<History> {
  const read = <Row extends object>(text: string): Promise<readonly Row[]> => db.query<Row>({ name: '', text });
  const tallies = await read<{ queue: string; marks: number }>(
    `select queue, sum(marks)::float8 as marks from ${await schemaOfMarks(db)}.tally group by queue`,
  );
  const skipping = await read<{ name: string }>("select name from cloudcode.queues where on_retry = 'skip'");
  return {
    ...witnessed,
    changes: await read<RunChange>(`
      select seq::float8, ${millis('at')}, xid::text::float8 as xid, run, queue, before, after, fence::float8, attempt, attempt_limit as "attemptLimit",
        ${millis('due_at', 'dueAt')}, run_seq::float8 as "order", ${millis('woke_at', 'wokeAt')}, ${millis('wake_at', 'wakeAt')}, snapshot, is_stale as "isStale"
      from chaos_audit.changes order by seq`),
    ends: await read<AttemptEnd>(
      'select seq::float8, xid::text::float8 as xid, run, number, fence::float8, outcome from chaos_audit.ends order by seq',
    ),
    lateLines: await read<LateLine>(
      'select distinct xid::text::float8 as xid, run, attempt from chaos_audit.late_lines',
    ),
    writes: await read<DataWrite>(
      'select mark, run, fence::float8, queue, is_stale as "isStale" from chaos_audit.writes',
    ),
    additions: await read<History['additions'][number]>(
      'select fence, is_stale as "isStale" from chaos_audit.additions order by seq',
    ),
    added:
      (
        await read<{ added: number }>(
          `select coalesce(sum(fences), 0) as added from ${await schemaOfMarks(db)}.counter`,
        )
      )[0]?.added ?? 0,
    wrongRows: await checkStore(db),
    tallies: new Map(tallies.map(({ queue, marks }) => [queue, marks])),
    skipping: new Set(skipping.map(({ name }) => name)),
    pauses: await read<History['pauses'][number]>(
      `select seq::float8, ${millis('at')}, queue, is_paused as "isPaused" from chaos_audit.pauses order by seq`,
    ),
    runs: await read<History['runs'][number]>(`select id, queue, state, result #>> '{}' as result from cloudcode.runs`),
  };
}

function millis(column: string, name = column): string {
  return `(extract(epoch from ${column}) * 1000)::float8 as "${name}"`;
}
