import { parseScheduleRequest, parseScheduleRequests } from '../core/schedule-request.ts';
import type { StartMessage } from '../protocol/worker-messages.ts';
import { call, type Failure } from './channel.ts';
import { loadDataGlobals } from './load-data-globals.ts';
import { fromCaller, hasRefusals, noteRefusal } from './refusals.ts';
import { asTaskError, forTask } from './task-error.ts';

/** Of each call under way, what resolves when it is settled. */
const underWay = new Set<Promise<void>>();

/** Puts `CloudCode`, `DB`, `Day` and `Attachment` where a task sees them. */
export function setTaskGlobals({ run, dataModel }: StartMessage, globals: object): void {
  const cloudCode = Object.freeze({
    run: Object.freeze(run),
    scheduleTask: (options: unknown) => tracked(fromCaller(() => scheduleTask(options))),
    scheduleTasks: (list: unknown) => tracked(fromCaller(() => scheduleTasks(list))),
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
  if (underWay.size === 0 && !hasRefusals()) return;
  while (underWay.size > 0) await callsSettled();
  // A refusal that nobody handles surfaces as an unhandled rejection in this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for the calls that are under way now. */
export async function callsSettled(): Promise<void> {
  for (const settled of [...underWay]) await settled;
}

async function scheduleTask(options: unknown): Promise<{ id: string }> {
  // Before the first await: the parameters are a snapshot of this moment.
  const request = parse(() => parseScheduleRequest(options, new Date()));
  return (await ask({ ...request, kind: 'schedule' })) as { id: string };
}

async function scheduleTasks(list: unknown): Promise<readonly { readonly id: string }[]> {
  const requests = parse(() => parseScheduleRequests(list, new Date()));
  return loadDataGlobals().scheduleRuns(ask, requests);
}

function parse<Request>(work: () => Request): Request {
  try {
    return forTask(work);
  } catch (error) {
    throw noteRefusal(error);
  }
}

async function ask(request: Parameters<typeof call>[0]): Promise<unknown> {
  try {
    return await call(request);
  } catch (failure) {
    const error = asTaskError(failure);
    throw (failure as Failure).isRefusal ? noteRefusal(error) : error;
  }
}

/** A promise for the task, with an `await` as the only one who handles what was made: so V8 keeps the stack together, and a refusal counts as unhandled until the task handles it. */
async function tracked<Result>(promise: Promise<Result>): Promise<Result> {
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  underWay.add(settled);
  try {
    return await promise;
  } finally {
    underWay.delete(settled);
    settle();
  }
}
