import { CloudCodeError, type ErrorCode } from '../core/errors.ts';

/** What a task gets to see of a refusal, ours or the runner's. Its author reads the message, not the hint: so they are one text. */
export function asTaskError(refusal: unknown): unknown {
  if (typeof refusal !== 'object' || refusal === null || !('code' in refusal) || !('message' in refusal))
    return refusal;
  const { code, message, hint } = refusal as { code: ErrorCode; message: string; hint?: string };
  if (hint === undefined && refusal instanceof CloudCodeError) return refusal;
  return new CloudCodeError(code, hint === undefined ? message : `${message} ${hint}`);
}

/** Does `work`; what it throws, it throws as a task gets to see it. */
export function forTask<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (refusal) {
    throw asTaskError(refusal);
  }
}
