import type { Caller } from './insert-run.ts';
import type { Queryable } from './open-store.ts';

/** Notes in its own transaction that a batch is carried out. @returns the version of what that transaction writes; null when the batch was carried out before */
export async function insertBatch(
  db: Queryable,
  batch: { readonly id: string; readonly runId: string },
): Promise<string | null> {
  const [row] = await db.query<{ version: string }>({
    name: 'insert_batch',
    text: `insert into cloudcode.batches (id, run_id, answer) values ($1, $2, '{}') on conflict (id) do nothing returning xmin::text as version`,
    values: [batch.id, batch.runId],
  });
  return row?.version ?? null;
}

export async function setBatchAnswer(db: Queryable, id: string, answerJson: string): Promise<void> {
  await db.query({
    name: 'set_batch_answer',
    text: 'update cloudcode.batches set answer = $2 where id = $1',
    values: [id, answerJson],
  });
}

/** The answer of a batch that was carried out, as JSON, and the version of what it wrote. */
export async function readBatchAnswer(
  db: Queryable,
  batch: { readonly id: string; readonly runId: string },
): Promise<{ readonly answerJson: string; readonly version: string } | null> {
  const [row] = await db.query<{ answerJson: string; version: string }>({
    name: 'read_batch_answer',
    text: 'select answer::text as "answerJson", xmin::text as version from cloudcode.batches where id = $1 and run_id = $2',
    values: [batch.id, batch.runId],
  });
  return row ?? null;
}

/** Prunes batches that nobody sends again. */
export async function deleteBatchesById(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'delete_batches_by_id',
    text: 'delete from cloudcode.batches where id = any($1::uuid[])',
    values: [ids],
  });
}

/** Prunes up to `limit` batches of runs that are not running: whoever sent them has no fence to send them again. A runner that died leaves its own. @returns how many */
export async function deleteAbandonedBatches(db: Queryable, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'delete_abandoned_batches',
    text: `
      delete from cloudcode.batches where id in (
        select b.id from cloudcode.batches b join cloudcode.runs r on r.id = b.run_id where r.state <> 'running' limit $1
      ) returning id`,
    values: [limit],
  });
  return rows.length;
}

/** Deletes the batches of a run whose attempt has ended: nobody repeats them. Those of an attempt that has taken over stay. */
export async function deleteBatches(db: Queryable, { runId, fence }: Caller): Promise<void> {
  await db.query({
    name: 'delete_batches',
    text: 'delete from cloudcode.batches b using cloudcode.runs r where b.run_id = $1 and r.id = b.run_id and r.fence = $2',
    values: [runId, fence],
  });
}
