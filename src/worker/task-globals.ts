import { Attachment } from '../core/attachment.ts';
import { Day } from '../core/day.ts';
import { parseScheduleRequest, parseScheduleRequests } from '../core/schedule-request.ts';
import type { StartMessage } from '../protocol/worker-messages.ts';
import { call } from './channel.ts';
import { createDb } from './db/create-db.ts';
import { scheduleRuns } from './db/schedule-runs.ts';
import { asTaskError, forTask } from './task-error.ts';

const pending = new Set<Promise<unknown>>();

/** Puts `CloudCode`, `DB`, `Day` and `Attachment` where a task sees them. */
export function setTaskGlobals({ run, dataModel }: StartMessage): void {
  const cloudCode = Object.freeze({
    run: Object.freeze(run),
    scheduleTask: (options: unknown) => tracked(scheduleTask(options)),
    scheduleTasks: (list: unknown) => tracked(scheduleTasks(list)),
  });
  let db: object | null = null;
  Object.defineProperties(globalThis, {
    CloudCode: { value: cloudCode, enumerable: true },
    // Made when it is first asked for: most tasks store nothing.
    DB: { get: () => (db ??= createDb(dataModel, { data: call, tracked })), enumerable: true },
    Day: { value: Day, enumerable: true, configurable: true, writable: true },
    Attachment: { value: Attachment, enumerable: true, configurable: true, writable: true },
  });
}

/** Waits for calls that the task did not await: they are carried out before its answer counts. */
export async function pendingCallsSettled(): Promise<void> {
  if (pending.size === 0) return;
  while (pending.size > 0) await Promise.allSettled(pending);
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
  return scheduleRuns(ask, requests);
}

async function ask(request: Parameters<typeof call>[0]): Promise<unknown> {
  try {
    return await call(request);
  } catch (refusal) {
    throw asTaskError(refusal);
  }
}

function tracked<Result>(promise: Promise<Result>): Promise<Result> {
  pending.add(promise);
  const forget = (): void => void pending.delete(promise);
  promise.then(forget, forget);
  // Another promise for the task: one that the tracking handles would never count as unhandled.
  return promise.then((value) => value);
}
