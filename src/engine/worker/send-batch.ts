import { CloudCodeError } from '../core/errors.ts';
import type { BatchAnswer, BatchCall } from '../protocol/call-requests.ts';
import { type BatchParts, partsOf, scheduleOperations } from './batch-parts.ts';
import type { ScheduleRequest } from '../core/schedule-request.ts';
import { newId } from '../protocol/new-id.ts';

/** How long a batch of several parts is tried: the runner tries again by itself only what came in one part. */
const patienceMs = 30_000;
const maxPauseMs = 1_000;

/** Asks the runner. @throws what it refuses with, as a task gets to see it */
export type Ask = (call: BatchCall) => Promise<unknown>;

/**
 * Carries out a batch, all of it or nothing. To send it again with its id does nothing twice.
 * @returns null when it has no parts
 * @throws CloudCodeError what the runner refuses with
 */
export async function sendBatch(ask: Ask, id: string, parts: BatchParts): Promise<BatchAnswer | null> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await sendParts(ask, id, parts);
    } catch (error) {
      const isAway =
        error instanceof CloudCodeError && ['database_unreachable', 'batch_interrupted'].includes(error.code);
      if (parts.length === 1 || !isAway || performance.now() + pauseMs > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function sendParts(ask: Ask, id: string, parts: BatchParts): Promise<BatchAnswer | null> {
  let answer: BatchAnswer | null = null;
  let part = 0;
  for (const operations of parts) {
    answer = (await ask({
      kind: 'write',
      batch: id,
      part,
      last: part === parts.length - 1,
      operations,
    })) as BatchAnswer | null;
    part += 1;
  }
  return answer;
}

/** Schedules runs in one transaction, in their order. @returns their ids, or those of other runs where a `key` found one */
export async function scheduleRuns(
  ask: Ask,
  requests: readonly ScheduleRequest[],
): Promise<readonly { readonly id: string }[]> {
  const parts = partsOf(scheduleOperations(requests.map((request) => ({ ...request, id: newId() }))));
  const answer = await sendBatch(ask, newId(), parts);
  return (answer?.runs ?? []).map((id) => ({ id }));
}
