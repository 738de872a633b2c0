import { parseScheduleRequest, parseScheduleRequests } from '../core/schedule-request.ts';
import type { StartMessage, WorkerExtension } from '../protocol/to-worker.ts';
import { call, type Failure } from './channel.ts';
import { loadExtension } from './load-extension.ts';
import { fromCaller, hasRefusals, noteRefusal } from './refusals.ts';
import { scheduleRuns } from './send-batch.ts';
import { asTaskError, forTask } from './task-error.ts';

/** Of each call under way, what resolves when it is settled. */
const underWay = new Set<Promise<void>>();

/** Puts `CloudCode` and the globals of an extension where a task sees them. */
export function setTaskGlobals({ run, extension }: StartMessage, globals: object): void {
  const cloudCode = Object.freeze({
    run: Object.freeze(run),
    scheduleTask: (options: unknown) => tracked(fromCaller(() => scheduleTask(options))),
    scheduleTasks: (list: unknown) => tracked(fromCaller(() => scheduleTasks(list))),
  });
  Object.defineProperty(globals, 'CloudCode', { value: cloudCode, enumerable: true });
  if (extension !== null) setExtensionGlobals(extension, globals);
}

/** An extension is loaded when one of its globals is first used. */
function setExtensionGlobals(extension: WorkerExtension, globals: object): void {
  let values: Readonly<Record<string, unknown>> | null = null;
  const valuesOf = (): Readonly<Record<string, unknown>> =>
    (values ??= loadExtension(extension).extensionGlobals(extension.state, { call, tracked }));
  for (const name of extension.globals)
    Object.defineProperty(globals, name, { get: () => valuesOf()[name], enumerable: true });
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
  return scheduleRuns(ask, requests);
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
