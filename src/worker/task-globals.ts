import { parseScheduleRequest, parseScheduleRequests } from '../core/schedule-request.ts';
import type { StartMessage } from '../protocol/worker-messages.ts';
import { call } from './channel.ts';
import { loadDataGlobals } from './load-data-globals.ts';
import { asTaskError, forTask } from './task-error.ts';

/** Calls under way, and who waits for there being none. */
let pending = 0;
let allSettled = (): void => undefined;

/** Puts `CloudCode`, `DB`, `Day` and `Attachment` where a task sees them. */
export function setTaskGlobals({ run, dataModel }: StartMessage, globals: object): void {
  const cloudCode = Object.freeze({
    run: Object.freeze(run),
    scheduleTask: (options: unknown) => tracked(scheduleTask(options)),
    scheduleTasks: (list: unknown) => tracked(scheduleTasks(list)),
  });
  let db: object | null = null;
  Object.defineProperties(globals, {
    CloudCode: { value: cloudCode, enumerable: true },
    DB: { get: () => (db ??= loadDataGlobals().createDb(dataModel, { data: call, tracked })), enumerable: true },
    Day: { get: () => loadDataGlobals().Day, enumerable: true },
    Attachment: { get: () => loadDataGlobals().Attachment, enumerable: true },
  });
}

/** Waits for calls that the task did not await: they are carried out before its answer counts. */
export async function pendingCallsSettled(): Promise<void> {
  if (pending === 0) return;
  while (pending > 0) await new Promise<void>((resolve) => (allSettled = resolve));
  // A refusal that nobody handles surfaces as an unhandled rejection in this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}

async function scheduleTask(options: unknown): Promise<{ id: string }> {
  // Before the first await: the parameters are a snapshot of this moment.
  const request = forTask(() => parseScheduleRequest(options, new Date()));
  return (await ask({ ...request, kind: 'schedule' })) as { id: string };
}

async function scheduleTasks(list: unknown): Promise<readonly { readonly id: string }[]> {
  const requests = forTask(() => parseScheduleRequests(list, new Date()));
  return loadDataGlobals().scheduleRuns(ask, requests);
}

async function ask(request: Parameters<typeof call>[0]): Promise<unknown> {
  try {
    return await call(request);
  } catch (refusal) {
    throw asTaskError(refusal);
  }
}

/** A promise for the task, with an `await` as the only one who handles what was made: so V8 keeps the stack together, and a refusal counts as unhandled until the task handles it. */
async function tracked<Result>(promise: Promise<Result>): Promise<Result> {
  pending += 1;
  try {
    return await promise;
  } finally {
    pending -= 1;
    if (pending === 0) allSettled();
  }
}
