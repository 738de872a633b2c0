import type { ScheduleRequest } from '../core/schedule-request.ts';
import { newId } from '../protocol/new-id.ts';
import { partsOf, scheduleOperations } from './batch-parts.ts';
import { type Ask, sendBatch } from './send-batch.ts';

/** Schedules runs in one transaction, in their order. @returns their ids, or those of other runs where a `key` found one */
export async function scheduleRuns(
  ask: Ask,
  requests: readonly ScheduleRequest[],
): Promise<readonly { readonly id: string }[]> {
  const parts = partsOf(scheduleOperations(requests.map((request) => ({ ...request, id: newId() }))));
  const answer = await sendBatch(ask, newId(), parts);
  return (answer?.runs ?? []).map((id) => ({ id }));
}
