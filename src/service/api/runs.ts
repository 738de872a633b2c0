import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { backlog, endedSummary, isoTime, listedRun, numberedLine, run } from '../../engine/core/run-schema.ts';
import { parseScheduleRequest, type ScheduleRequest } from '../../engine/core/schedule-request.ts';
import { parseIsoTime } from './iso-time.ts';
import { inEnvironment, resource } from './operation.ts';
import { one, wholeNumber } from './read-input.ts';

/** The most runs that one page holds. */
export const maxPageSize = 200;

const id = z.string();
const time = one.refine((text) => parseIsoTime(text) !== null, {
  error: 'must be an ISO 8601 time with its offset from UTC',
});

const scheduleBody = z.strictObject({
  task: z.string(),
  parameters: z.unknown().meta({ type: 'object' }).optional(),
  at: isoTime.optional(),
  /** Milliseconds. */
  after: z.number().optional(),
  queue: z.string().optional(),
  key: z.string().optional(),
});

/** What `scheduleTask` takes, with `at` as ISO 8601. */
export type ScheduleBody = z.input<typeof scheduleBody>;

export const runs = resource('runs', {
  schedule: {
    method: 'POST',
    path: `${inEnvironment}/runs`,
    permission: 'runs:write',
    summary: 'Schedules a run; where a run with its key is unfinished, gives that one.',
    body: scheduleBody,
    readBody: readScheduleBody,
    // More than 5 MB of parameters take as JSON with some escapes, so that parameters over the limit are told so by their own error.
    maxBodyBytes: 8 * 1024 * 1024,
    answer: run,
  },
  list: {
    method: 'GET',
    path: `${inEnvironment}/runs`,
    permission: 'runs:read',
    summary: 'Lists runs, newest first, a page at a time, without what is large.',
    parameters: {
      state: one.optional(),
      task: one.optional(),
      queue: one.optional(),
      cursor: one.optional(),
      limit: wholeNumber.optional(),
    },
    answer: z.object({
      runs: z.array(listedRun).readonly(),
      /** Give it back as `cursor` for the next page; null at the end. */
      nextCursor: z.string().nullable(),
    }),
  },
  get: {
    method: 'GET',
    path: `${inEnvironment}/runs/:id`,
    permission: 'runs:read',
    summary: 'Gives a run, whole.',
    parameters: { id },
    answer: run,
  },
  cancel: {
    method: 'POST',
    path: `${inEnvironment}/runs/:id/cancel`,
    permission: 'runs:write',
    summary: 'Ends a waiting run at once, and has a running one killed.',
    parameters: { id },
    answer: run,
  },
  retry: {
    method: 'POST',
    path: `${inEnvironment}/runs/:id/retry`,
    permission: 'runs:write',
    summary: 'Gives a failed, dead or cancelled run a new set of attempts, due now.',
    parameters: { id },
    answer: run,
  },
  logs: {
    method: 'GET',
    path: `${inEnvironment}/runs/:id/logs`,
    permission: 'runs:read',
    summary: "Gives a run's log lines: those there are, or all as they come until the run is finished.",
    parameters: {
      id,
      after: one
        .regex(/^\d{1,15}$/, { error: 'must be the `seq` of a line' })
        .transform(Number)
        .optional(),
    },
    answer: z.object({
      lines: z.array(numberedLine).readonly(),
      /** Give it back as `after` for more lines; absent when these are all that there are. */
      nextAfter: z.number().optional(),
    }),
    stream: { events: { message: numberedLine, end: run }, last: 'end', resumesAfter: 'after' },
  },
  summariseBacklog: {
    method: 'GET',
    path: `${inEnvironment}/backlog`,
    permission: 'runs:read',
    summary: 'Counts what is still to be done.',
    answer: backlog,
  },
  summariseEnded: {
    method: 'GET',
    path: `${inEnvironment}/ended`,
    permission: 'runs:read',
    summary: 'Counts the runs that have ended since a time, but for one, and names the last that went wrong.',
    parameters: {
      since: time,
      besides: one.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, { error: 'must be the id of a run' }),
    },
    answer: endedSummary,
  },
});

/** What the options may hold is for `parseScheduleRequest` to say. @throws CloudCodeError `invalid_body`, `invalid_at`, and those of parseScheduleRequest */
function readScheduleBody(body: unknown): ScheduleRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new CloudCodeError('invalid_body', `The body must be a JSON object; this is ${describeValue(body)}.`, {
      hint: 'Send { "task": "name" }.',
    });
  }
  const options = { ...body } as Record<string, unknown>;
  if (options['at'] !== undefined) options['at'] = parseAt(options['at']);
  return parseScheduleRequest(options, new Date());
}

function parseAt(at: unknown): Date {
  const time = typeof at === 'string' ? parseIsoTime(at) : null;
  if (time !== null) return time;
  throw new CloudCodeError(
    'invalid_at',
    `\`at\` must be an ISO 8601 time with its offset from UTC; this is ${describeValue(at)}.`,
    { hint: 'Write it like "2026-03-01T09:00:00Z" or "2026-03-01T09:00:00+01:00".' },
  );
}
