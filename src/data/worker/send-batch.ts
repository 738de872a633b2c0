import { CloudCodeError } from '../../engine/core/errors.ts';
import { nothingWritten, type WriteAnswer, type WriteOperation } from '../protocol/data-messages.ts';
import type { Database } from './database.ts';

/** How long a batch of several parts is tried: the runner tries again by itself only what came in one part. */
const patienceMs = 30_000;
const maxPauseMs = 1_000;

type Requester = Pick<Database, 'request'>;

export type BatchParts = readonly (readonly WriteOperation[])[];

/**
 * Carries out a batch, all of it or nothing. To send it again with its id does nothing twice.
 * @throws CloudCodeError what the runner refuses with
 */
export async function sendBatch(database: Requester, id: string, parts: BatchParts): Promise<WriteAnswer> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await sendParts(database, id, parts);
    } catch (error) {
      const isAway =
        error instanceof CloudCodeError && ['database_unreachable', 'batch_interrupted'].includes(error.code);
      if (parts.length === 1 || !isAway || performance.now() + pauseMs > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function sendParts(database: Requester, id: string, parts: BatchParts): Promise<WriteAnswer> {
  let answer: WriteAnswer | null = null;
  let part = 0;
  for (const operations of parts) {
    answer = await database.request<WriteAnswer | null>({
      kind: 'write',
      batch: id,
      part,
      last: part === parts.length - 1,
      operations,
    });
    part += 1;
  }
  return answer ?? nothingWritten;
}
