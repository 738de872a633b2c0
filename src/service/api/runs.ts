import { z } from 'zod';
import { CloudCodeError, type ErrorCode } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { backlog, endedSummary, isoTime, listedRun, numberedLine, run } from '../../engine/core/run-schema.ts';
import { parseScheduleRequest, type ScheduleRequest } from '../../engine/core/schedule-request.ts';
import { parseIsoTime } from './iso-time.ts';
import { maxSearched } from '../../engine/core/list-limits.ts';
import { runStates } from '../../engine/core/run-states.ts';
import { changeBody, manyChanged } from './many-runs.ts';
import { inEnvironment, resource } from './operation.ts';
import { one, wholeNumber } from './read-input.ts';

/** The most runs that one page holds. */
export const maxPageSize = 200;
/** The most runs that one batch schedules. */
const maxBatchSize = 1000;

const id = z.string().meta({ description: 'Of a run.' });
const time = one.refine((text) => parseIsoTime(text) !== null, {
  error: 'must be an ISO 8601 time with its offset from UTC',
});

const maxWaitSeconds = 60;
const seconds = one
  .refine((text) => /^\d{1,2}$/.test(text) && Number(text) <= maxWaitSeconds, {
    error: `must be a whole number of seconds, up to ${maxWaitSeconds}`,
  })
  .transform(Number);

const scheduleBody = z
  .strictObject({
    task: z.string().meta({ description: 'The name of a task that is deployed.' }),
    parameters: z.unknown().meta({ type: 'object', description: 'Arrives as `run(params)`; up to 5 MB.' }).optional(),
    at: isoTime.optional().meta({ description: 'When to run, with an offset from UTC.' }),
    after: z.number().optional().meta({ description: 'A delay in milliseconds, in place of `at`.' }),
    queue: z.string().optional().meta({ description: 'Of runs with the same one, one runs at a time.' }),
    key: z
      .string()
      .optional()
      .meta({ description: 'While a run of the task with this key is unfinished, that one is given.' }),
  })
  .meta({ id: 'ScheduleRequest' });

/** What parseScheduleRequest and the store refuse. */
const scheduleRefusals = [
  'unknown_task',
  'task_broken',
  'unknown_option',
  'invalid_task',
  'invalid_parameters',
  'parameters_too_large',
  'invalid_at',
  'invalid_after',
  'at_and_after',
  'invalid_queue',
  'invalid_key',
] as const satisfies readonly ErrorCode[];

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
    statuses: [201, 200],
    refusals: scheduleRefusals,
  },
  scheduleBatch: {
    method: 'POST',
    path: `${inEnvironment}/runs/batch`,
    permission: 'runs:write',
    summary: 'Schedules runs in one transaction: all of them or none.',
    body: z.strictObject({ runs: z.array(scheduleBody).min(1).max(maxBatchSize) }),
    readBody: readBatchBody,
    maxBodyBytes: 8 * 1024 * 1024,
    answer: z.object({
      runs: z
        .array(z.object({ id: z.string() }).readonly())
        .readonly()
        .meta({ description: 'In the order of the request; of a `key` that is taken, the run that has it.' }),
    }),
    statuses: [201],
    refusals: scheduleRefusals,
  },
  list: {
    method: 'GET',
    path: `${inEnvironment}/runs`,
    permission: 'runs:read',
    summary: 'Lists the runs to which all of the filters apply, newest first, a page at a time, without what is large.',
    parameters: {
      state: one.optional().meta({ description: 'Only runs in this state.', enum: [...runStates] }),
      task: one.optional().meta({ description: 'Only runs of this task.' }),
      queue: one.optional().meta({ description: 'Only runs of this queue.' }),
      key: one.optional().meta({ description: 'Only runs with this key.' }),
      scheduledBy: one.optional().meta({ description: 'Only runs that this run has scheduled.', format: 'uuid' }),
      deployment: one.optional().meta({
        description:
          'Only runs of which this deployment executes the attempt that is running, or executed the last one.',
      }),
      fingerprint: one
        .optional()
        .meta({ description: 'Only runs that have finished with an error of this `fingerprint`.' }),
      search: one.optional().meta({
        description: `Only runs in whose parameters or errors there is this text, with small or capital letters (of A to Z). Looks at the newest ${maxSearched} runs of the other filters, and not at what is stored in more than 64 KB; \`searched\` says at how many.`,
      }),
      since: time.optional().meta({
        description: 'Only runs that were scheduled then or later; with an offset from UTC.',
        format: 'date-time',
      }),
      until: time
        .optional()
        .meta({ description: 'Only runs that were scheduled before; with an offset from UTC.', format: 'date-time' }),
      cursor: one.optional().meta({ description: 'The `nextCursor` of the page before.' }),
      limit: wholeNumber.optional().meta({ description: `The size of a page, up to ${maxPageSize}; 50 by default.` }),
    },
    answer: z.object({
      runs: z.array(listedRun).readonly(),
      nextCursor: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
      searched: z
        .number()
        .optional()
        .meta({
          description: `Of a search: how many of the newest runs of the other filters were looked at up to the end of this page; ${maxSearched} at most.`,
        }),
    }),
  },
  get: {
    method: 'GET',
    path: `${inEnvironment}/runs/:id`,
    permission: 'runs:read',
    summary: 'Gives a run, whole: at once, or when it is finished.',
    parameters: {
      id,
      wait: seconds.optional().meta({
        description: `Waits up to so many seconds for its end; ${maxWaitSeconds} at most.`,
        type: 'integer',
        minimum: 0,
        maximum: maxWaitSeconds,
      }),
    },
    answer: run,
    refusals: ['run_not_found'],
  },
  cancel: {
    method: 'POST',
    path: `${inEnvironment}/runs/:id/cancel`,
    permission: 'runs:write',
    summary: 'Ends a waiting run at once, and has a running one killed.',
    parameters: { id },
    answer: run,
    refusals: ['run_not_found', 'run_already_final'],
  },
  retry: {
    method: 'POST',
    path: `${inEnvironment}/runs/:id/retry`,
    permission: 'runs:write',
    summary: 'Gives a failed, dead or cancelled run a new set of attempts, due now.',
    parameters: { id },
    answer: run,
    refusals: ['run_not_found', 'run_not_final', 'run_succeeded', 'key_taken'],
  },
  retryMany: {
    method: 'POST',
    path: `${inEnvironment}/runs/retry`,
    permission: 'runs:write',
    summary:
      'Retries every failed, dead or cancelled run to which a filter applies; interrupted and asked again, it goes on.',
    body: changeBody,
    stream: { events: { step: z.string(), done: manyChanged }, last: 'done' },
    refusals: ['invalid_filter'],
  },
  cancelMany: {
    method: 'POST',
    path: `${inEnvironment}/runs/cancel`,
    permission: 'runs:write',
    summary: 'Cancels every unfinished run to which a filter applies; interrupted and asked again, it goes on.',
    body: changeBody,
    stream: { events: { step: z.string(), done: manyChanged }, last: 'done' },
    refusals: ['invalid_filter'],
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
        .optional()
        .meta({ description: 'Only lines after the one with this `seq`.', type: 'integer', minimum: 0 }),
    },
    answer: z.object({
      lines: z.array(numberedLine).readonly(),
      nextAfter: z
        .number()
        .optional()
        .meta({ description: 'The `after` of more lines; absent when these are all that there are.' }),
    }),
    refusals: ['run_not_found'],
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
      since: time.meta({ description: 'When they ended, or later; with an offset from UTC.', format: 'date-time' }),
      besides: one
        .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, { error: 'must be the id of a run' })
        .meta({ description: 'A run that is not counted.', format: 'uuid' }),
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

/** Each is read as by itself. @throws CloudCodeError `invalid_body`, and those of readScheduleBody with the index of the run */
function readBatchBody(body: unknown): readonly ScheduleRequest[] {
  const { runs, ...rest } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalidBatch(`there is no \`${unknown}\` in it`);
  if (!Array.isArray(runs)) throw invalidBatch(`its \`runs\` is ${describeValue(runs)}`);
  if (runs.length === 0 || runs.length > maxBatchSize) throw invalidBatch(`there are ${runs.length}`);
  return runs.map((each: unknown, index) => {
    try {
      return readScheduleBody(each);
    } catch (error) {
      throw error instanceof CloudCodeError ? refusalOfItem(error, index) : error;
    }
  });
}

function invalidBatch(why: string): CloudCodeError {
  return new CloudCodeError(
    'invalid_body',
    `The body must be { "runs": [ … ] }, with 1 to ${maxBatchSize} runs: ${why}.`,
  );
}

/** Says which run of a batch is refused. */
export function refusalOfItem(error: CloudCodeError, index: number): CloudCodeError {
  return new CloudCodeError(error.code, `\`runs[${index}]\`: ${error.message}`, { hint: error.hint, cause: error });
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
