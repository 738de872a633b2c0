import type { Caller } from './insert-run.ts';
import type { Queryable } from './open-store.ts';

/** Notes in its own transaction that a batch is carried out. @returns false when it was carried out before */
export async function insertBatch(db: Queryable, batch: { readonly id: string; readonly runId: string }): Promise<boolean> {
  const rows = await db.query({
    name: 'insert_batch',
    text: `insert into cloudcode.batches (id, run_id, answer) values ($1, $2, '{"destroyed":[],"runs":[]}') on conflict (id) do nothing returning id`,
    values: [batch.id, batch.runId],
  });
  return rows.length > 0;
}

export async function setBatchAnswer(db: Queryable, id: string, answerJson: string): Promise<void> {
  await db.query({ name: 'set_batch_answer', text: 'update cloudcode.batches set answer = $2 where id = $1', values: [id, answerJson] });
}

/** The answer of a batch that was carried out, as JSON. */
export async function readBatchAnswer(db: Queryable, batch: { readonly id: string; readonly runId: string }): Promise<string | null> {
  const [row] = await db.query<{ answer: string }>({
    name: 'read_batch_answer',
    text: 'select answer::text as answer from cloudcode.batches where id = $1 and run_id = $2',
    values: [batch.id, batch.runId],
  });
  return row?.answer ?? null;
}

/** Forgets the batches of a run whose attempt is over: nobody repeats them. Those of an attempt that has taken over stay. */
export async function deleteBatches(db: Queryable, { runId, fence }: Caller): Promise<void> {
  await db.query({
    name: 'delete_batches',
    text: 'delete from cloudcode.batches b using cloudcode.runs r where b.run_id = $1 and r.id = b.run_id and r.fence = $2',
    values: [runId, fence],
  });
}
