import type { ScheduleRequest } from '../../engine/core/schedule-request.ts';
import type { DataCall } from '../protocol/data-messages.ts';
import { groupOperations } from './group-operations.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { sendBatch } from './send-batch.ts';

/** Schedules runs in one transaction, in their order. @returns their ids, or those of other runs where a `key` found one */
export async function scheduleRuns(
  ask: (call: DataCall) => Promise<unknown>,
  requests: readonly ScheduleRequest[],
): Promise<readonly { readonly id: string }[]> {
  if (requests.length === 0) return [];
  const parts = groupOperations(
    requests.map((request) => ({ do: 'schedule', run: { ...request, id: newId() } }) as const),
  );
  const { runs } = await sendBatch(
    { request: async <Answer>(call: DataCall) => (await ask(call)) as Answer },
    newId(),
    parts,
  );
  return runs.map((id) => ({ id }));
}
