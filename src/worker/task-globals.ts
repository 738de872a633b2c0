import { CloudCodeError, type ErrorCode } from '../core/errors.ts';
import { parseScheduleRequest } from '../core/schedule-request.ts';
import type { RunInfo } from '../protocol/worker-messages.ts';
import { call } from './channel.ts';

const pending = new Set<Promise<unknown>>();

/** The `CloudCode` that a task sees. */
export function taskGlobals(run: RunInfo): { readonly scheduleTask: (options: unknown) => Promise<{ id: string }>; readonly run: RunInfo } {
  return Object.freeze({
    run: Object.freeze(run),
    scheduleTask: (options: unknown) => tracked(scheduleTask(options)),
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
  try {
    // Before the first await: the parameters are a snapshot of this moment.
    const request = parseScheduleRequest(options, new Date());
    return (await call((number) => ({ type: 'call', call: number, method: 'scheduleTask', request }))) as { id: string };
  } catch (refusal) {
    throw asTaskError(refusal);
  }
}

// A task's author reads the message, not the hint: so they are one text here.
function asTaskError(refusal: unknown): CloudCodeError {
  const { code, message, hint } = refusal as { code: ErrorCode; message: string; hint?: string };
  return new CloudCodeError(code, hint === undefined ? message : `${message} ${hint}`);
}

function tracked<Result>(promise: Promise<Result>): Promise<Result> {
  pending.add(promise);
  const forget = (): void => void pending.delete(promise);
  promise.then(forget, forget);
  // Another promise for the task: one that the tracking handles would never count as unhandled.
  return promise.then((value) => value);
}
