import { answerOnce } from '../../engine/operations/answer-once.ts';
import { getRunText } from '../../engine/operations/get-run.ts';
import { scheduleTogether, tellTogether } from '../../engine/operations/schedule-together.ts';
import type { ScheduleRequest } from '../../engine/core/schedule-request.ts';
import type { Store } from '../../engine/store/open-store.ts';
import { addressOf } from '../api/operation.ts';
import { refusalOfItem, runs } from '../api/runs.ts';
import { JsonText } from './handler.ts';

interface Keyed<Body> {
  readonly key: string;
  readonly body: Body;
}

/** Schedules a run, and keeps the answer by the key. */
export async function scheduleOnce(
  store: Store,
  environment: string,
  { key, body }: Keyed<ScheduleRequest>,
): Promise<JsonText> {
  const request = { environment, operation: runs.schedule.name, key, body };
  const { text, ...how } = await answerOnce(store, request, async (db) => {
    const scheduled = await scheduleTogether(db, environment, [body]);
    const [{ id, isNew } = { id: '', isNew: false }] = scheduled;
    const answer = scheduledAnswer(environment, { id, isNew, text: await getRunText(db, environment, id) });
    return { answer, onCommitted: () => tellTogether(store, environment, scheduled) };
  });
  return new JsonText(text, how);
}

export function scheduledAnswer(
  environment: string,
  { id, isNew, text }: { readonly id: string; readonly isNew: boolean; readonly text: string },
): JsonText {
  return new JsonText(text, { status: isNew ? 201 : 200, location: addressOf(runs.get, { environment, id }) });
}

/** Schedules all runs of a batch or none, and keeps the answer by the key. */
export async function scheduleBatchOnce(
  store: Store,
  environment: string,
  { key, body }: Keyed<readonly ScheduleRequest[]>,
): Promise<JsonText> {
  const request = { environment, operation: runs.scheduleBatch.name, key, body };
  const { text, ...how } = await answerOnce(store, request, async (db) => {
    const scheduled = await scheduleTogether(db, environment, body, refusalOfItem);
    const answer = new JsonText(JSON.stringify({ runs: scheduled.map(({ id }) => ({ id })) }), { status: 201 });
    return { answer, onCommitted: () => tellTogether(store, environment, scheduled) };
  });
  return new JsonText(text, how);
}
