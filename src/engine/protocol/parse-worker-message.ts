import { z } from 'zod';
import { callRequest } from './call-requests.ts';
import type { FromWorker } from './worker-messages.ts';

const properties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const errorRecord = z.object({
  name: z.string(),
  message: z.string(),
  stack: z.string().nullable(),
  properties: properties.optional(),
});
const count = z.number().int().nonnegative();

const fromWorker = z.discriminatedUnion('type', [
  z.object({ type: z.literal('waiting') }),
  z.object({
    type: z.literal('lines'),
    level: z.enum(['debug', 'info', 'log', 'warn', 'error', 'stdout', 'stderr', 'system']),
    at: z.number(),
    text: z.string(),
  }),
  z.object({
    type: z.literal('call'),
    call: count,
    request: callRequest,
  }),
  z.object({
    type: z.literal('answer'),
    outcome: z.enum(['returned', 'threw']),
    resultJson: z.string().nullable(),
    error: errorRecord.nullable(),
    peakMemoryBytes: count,
    keepsCode: z.boolean(),
    endsInOrder: z.boolean(),
  }),
  z.object({
    type: z.literal('stopping'),
    reason: z.enum(['exit', 'uncaught_exception', 'unhandled_rejection', 'ran_empty', 'bundle_gone']),
    error: errorRecord.nullable(),
    peakMemoryBytes: count,
  }),
  z.object({ type: z.literal('cut'), lines: count, bytes: count }),
]);

/** Reads a frame from a worker; null when it is none of ours (a task may have written to the channel). */
export function parseWorkerMessage(text: string): FromWorker | null {
  try {
    return fromWorker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
