import { z } from 'zod';
import { logLevels, outcomes, runStates } from './run-states.ts';

// Runs, queues and what is told of them, as the CLI and the HTTP API show them (the public contract). All types of these are inferred from here.

/** ISO 8601 in UTC with milliseconds, by the database's clock. */
export const isoTime = z.string().meta({ format: 'date-time' });
export type IsoTime = z.output<typeof isoTime>;

const runState = z.enum(runStates).meta({ id: 'RunState' });

/** Own properties of an error: `code`, `status`. */
const errorProperties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).readonly();
export type ErrorProperties = z.output<typeof errorProperties>;

/** A stored error, from anything that was thrown. */
const errorRecord = z
  .object({
    name: z.string(),
    message: z.string(),
    stack: z.string().nullable(),
    /** Only where there are any. */
    properties: errorProperties.optional(),
  })
  .readonly()
  .meta({ id: 'ErrorRecord' });
export type ErrorRecord = z.output<typeof errorRecord>;

const attempt = z
  .object({
    number: z.number(),
    startedAt: isoTime,
    /** When its answer was stored, if that was before its end: while its processes were ending in order. */
    answeredAt: isoTime.nullable(),
    finishedAt: isoTime.nullable(),
    outcome: z.enum(outcomes).nullable(),
    exitCode: z.number().nullable(),
    signal: z.string().nullable(),
    pid: z.number().nullable(),
    runner: z.string(),
    /** The most that all its processes had at one time, as `memoryMb` counts it; null when it was not measured. */
    peakMemoryBytes: z.number().nullable(),
    /** A decimal string: it is a 64-bit number. */
    fence: z.string(),
    error: errorRecord.nullable(),
  })
  .readonly()
  .meta({ id: 'Attempt' });
export type Attempt = z.output<typeof attempt>;

export const run = z
  .object({
    id: z.string(),
    environment: z.string(),
    task: z.string(),
    parameters: z.unknown(),
    queue: z.string().nullable(),
    key: z.string().nullable(),
    state: runState,
    createdAt: isoTime,
    dueAt: isoTime,
    retryAt: isoTime.nullable(),
    startedAt: isoTime.nullable(),
    finishedAt: isoTime.nullable(),
    scheduledBy: z.string().nullable(),
    result: z.unknown(),
    error: errorRecord.nullable(),
    /** Of the error of a run that has failed or is dead: the same for errors that are one and the same mistake. */
    fingerprint: z.string().nullable(),
    maxAttempts: z.number(),
    attempts: z.array(attempt).readonly(),
  })
  .meta({ id: 'Run' });
export type Run = Readonly<z.output<typeof run>>;

/** A run in a list: what is over 4 KB there is null, or an error shortened to its name and the beginning of its message. */
export const listedRun = run
  .and(
    z.object({
      /** What is not shown whole; absent when all is. */
      omitted: z
        .array(z.enum(['parameters', 'result', 'error', 'attempts']))
        .readonly()
        .optional(),
    }),
  )
  .meta({ id: 'ListedRun' });
export type ListedRun = Readonly<z.output<typeof listedRun>>;

export const queue = z
  .object({
    name: z.string(),
    queued: z.number(),
    scheduled: z.number(),
    running: z.string().nullable(),
    oldestDueAt: isoTime.nullable(),
    paused: z.boolean(),
  })
  .readonly()
  .meta({ id: 'Queue' });
export type Queue = z.output<typeof queue>;

const logLine = z.object({
  at: isoTime,
  attempt: z.number(),
  level: z.enum(logLevels),
  message: z.string(),
});
export type LogLine = Readonly<z.output<typeof logLine>>;

/** `seq` grows from line to line. */
export const numberedLine = logLine.extend({ seq: z.number() }).meta({ id: 'LogLine' });
export type NumberedLine = Readonly<z.output<typeof numberedLine>>;

/** What an environment still has to do. */
export const backlog = z
  .object({
    /** Due now. */
    queued: z.number(),
    running: z.number(),
    inBackOff: z.number(),
    /** Scheduled, and due within a minute. */
    dueSoon: z.number(),
    /** Scheduled for later than that. */
    later: z.number(),
    /** Due, but in a queue that is paused. */
    paused: z.number(),
    /** The first hundred by name. */
    pausedQueues: z.array(z.string()).readonly(),
  })
  .readonly();
export type Backlog = z.output<typeof backlog>;

/** The runs that have ended since a time. */
export const endedSummary = z
  .object({
    /** By task and state. */
    counts: z.array(z.object({ task: z.string(), state: runState, runs: z.number() }).readonly()).readonly(),
    /** The last ten that `failed` or are `dead`, with the message of the error. */
    failures: z
      .array(z.object({ id: z.string(), task: z.string(), state: runState, message: z.string().nullable() }).readonly())
      .readonly(),
  })
  .readonly();
export type EndedSummary = z.output<typeof endedSummary>;
