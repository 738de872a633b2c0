import { z } from 'zod';
import { workerStarts } from './task-config.ts';

/** Node's timers count to 2^31 - 1 ms, which is just over 24 days. */
const maxTimeoutMs = 24 * 86_400_000;

/** The limits of a task, by name. */
export const taskLimits = {
  timeoutMs: wholeNumber(1, maxTimeoutMs, { unit: ' of milliseconds', meaning: ' (24 days)' }),
  memoryMb: wholeNumber(16, 1_048_576, { unit: ' of MiB' }),
  maxAttempts: wholeNumber(1, 1000),
  workerStart: oneOfWorkerStarts(),
};

export function oneOfWorkerStarts() {
  return z.enum(workerStarts, { error: "must be 'spawn' or 'fork'" }).optional();
}

export function wholeNumber(min: number, max: number, { unit = '', meaning = '' } = {}): z.ZodOptional<z.ZodInt> {
  const error = `must be a whole number${unit} from ${min} to ${max}${meaning}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).optional();
}
