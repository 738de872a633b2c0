import { CloudCodeError } from '../core/errors.ts';

const { captureStackTrace } = Error;

/** What `scheduleTask` refused of this run's calls, as the task got it. */
const refusals = new WeakSet<object>();
let count = 0;

/** Whether any call was refused so far. */
export function hasRefusals(): boolean {
  return count > 0;
}

/** Whether this is a refusal of `scheduleTask`: the caller's mistake, and no trouble that may pass. */
export function isRefusal(error: unknown): error is CloudCodeError {
  return error instanceof CloudCodeError && refusals.has(error);
}

/** Notes a refusal. @returns the error, for the task */
export function noteRefusal(error: unknown): unknown {
  if (error instanceof CloudCodeError) refusals.add(error);
  count += 1;
  return error;
}

/** Carries a call out. What it throws has the stack of the caller, who may not be waiting any more when the call fails. */
export async function fromCaller<Result>(work: () => Promise<Result>): Promise<Result> {
  const caller: { name?: string; message?: string; stack?: string } = {};
  captureStackTrace(caller, fromCaller);
  try {
    return await work();
  } catch (error) {
    if (error instanceof CloudCodeError) {
      // The text of a stack is made when it is first read, with the name and message of that moment.
      caller.name = error.name;
      caller.message = error.message;
      error.stack = caller.stack ?? '';
    }
    throw error;
  }
}
