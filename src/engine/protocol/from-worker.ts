import { z } from 'zod';
import type { ErrorRecord } from '../core/errors.ts';
import type { ReadonlyDeep } from '../core/readonly-deep.ts';

const properties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const errorRecord = z.object({
  name: z.string(),
  message: z.string(),
  stack: z.string().nullable(),
  properties: properties.optional(),
}) satisfies z.ZodType<ErrorRecord>;
const count = z.number().int().nonnegative();

/** The first word of every worker: it has loaded what is the same for every run. */
const waiting = z.object({ type: z.literal('waiting') });

const lines = z.object({
  type: z.literal('lines'),
  level: z.enum(['debug', 'info', 'log', 'warn', 'error', 'stdout', 'stderr', 'system']),
  /** Milliseconds since 1970. */
  at: z.number(),
  text: z.string(),
});

const call = z.object({
  type: z.literal('call'),
  /** Counted by the worker; the reply has it too. */
  call: count,
  /** Is read by those who answer it. */
  request: z.looseObject({ kind: z.string() }),
});

const answer = z.object({
  type: z.literal('answer'),
  outcome: z.enum(['returned', 'threw']),
  resultJson: z.string().nullable(),
  /** What was thrown, or what was wrong with the returned value. */
  error: errorRecord.nullable(),
  /** The worker's own, without what it started; 0 when it cannot be told. */
  peakMemoryBytes: count,
  /** It keeps the bundle's compiled code before it exits, for the attempts to come. */
  keepsCode: z.boolean(),
  /** It ends in order, which takes a while: somebody listens for its end, or something is still being written. */
  endsInOrder: z.boolean(),
});

/** The last word of a worker that ends without an answer, where it can still speak. With `bundle_gone` no code of the task has run. */
const stopping = z.object({
  type: z.literal('stopping'),
  reason: z.enum(['exit', 'uncaught_exception', 'unhandled_rejection', 'ran_empty', 'bundle_gone']),
  error: errorRecord.nullable(),
  peakMemoryBytes: count,
});

/** Output beyond the limits that the worker left out, between what it has sent and what it sends. */
const cut = z.object({ type: z.literal('cut'), lines: count, bytes: count });

const fromWorker = z.discriminatedUnion('type', [waiting, lines, call, answer, stopping, cut]);

export type FromWorker = ReadonlyDeep<z.infer<typeof fromWorker>>;
/** What a worker says of its attempt. */
export type FromAttempt = Exclude<FromWorker, { readonly type: 'waiting' }>;
export type CallMessage = Extract<FromWorker, { readonly type: 'call' }>;
export type AnswerMessage = Extract<FromWorker, { readonly type: 'answer' }>;
export type StoppingMessage = Extract<FromWorker, { readonly type: 'stopping' }>;

/** Reads a frame from a worker; null when it is none of ours (a task may have written to the channel). */
export function parseWorkerMessage(text: string): FromWorker | null {
  try {
    return fromWorker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
