import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import type { LogLine } from '../../engine/core/run.ts';
import { one, parseQuery, wholeNumber } from './http-query.ts';
import { parseIsoTime } from './iso-time.ts';

export type NumberedLine = LogLine & { readonly seq: number };

/** The answer to `GET …/runs/{id}/logs`; `seq` grows from line to line. */
export interface LogsBody {
  readonly lines: readonly NumberedLine[];
  /** Give it back as `after` for more lines; absent when these are all that there are. */
  readonly nextAfter?: number;
}

/** What an event stream of logs ends with; its data is the run. */
export const endEvent = 'end';

/**
 * The options for a run from the body of `POST …/runs`, with `at` as a Date. What they may hold is for `parseScheduleRequest` to say.
 * @throws CloudCodeError `invalid_body`, `invalid_at`
 */
export function parseScheduleBody(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new CloudCodeError('invalid_body', `The body must be a JSON object; this is ${describeValue(body)}.`, {
      hint: 'Send { "task": "name" }.',
    });
  }
  const options = { ...body } as Record<string, unknown>;
  if (options['at'] !== undefined) options['at'] = parseAt(options['at']);
  return options;
}

function parseAt(at: unknown): Date {
  const time = typeof at === 'string' ? parseIsoTime(at) : null;
  if (time !== null) return time;
  throw new CloudCodeError(
    'invalid_at',
    `\`at\` must be an ISO 8601 time with its offset from UTC; this is ${describeValue(at)}.`,
    {
      hint: 'Write it like "2026-03-01T09:00:00Z" or "2026-03-01T09:00:00+01:00".',
    },
  );
}

const runsQuery = z.strictObject({
  state: one.optional(),
  task: one.optional(),
  queue: one.optional(),
  cursor: one.optional(),
  limit: wholeNumber.optional(),
});
const logsQuery = z.strictObject({ after: wholeNumberOfAnySize() });

const endedQuery = z.strictObject({
  since: one.refine((text) => parseIsoTime(text) !== null, {
    error: 'must be an ISO 8601 time with its offset from UTC',
  }),
  besides: one.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, { error: 'must be the id of a run' }),
});

function wholeNumberOfAnySize() {
  return one
    .regex(/^\d{1,15}$/, { error: 'must be the `seq` of a line' })
    .transform(Number)
    .optional();
}

/** The filter from the query of `GET …/runs`. @throws CloudCodeError `invalid_filter` */
export function parseRunsQuery(query: unknown): z.output<typeof runsQuery> {
  return parseQuery(runsQuery, query);
}

/** The query of `GET …/runs/{id}/logs`. @throws CloudCodeError `invalid_filter` */
export function parseLogsQuery(query: unknown): z.output<typeof logsQuery> {
  return parseQuery(logsQuery, query);
}

/** The query of `GET …/ended`. @throws CloudCodeError `invalid_filter` */
export function parseEndedQuery(query: unknown): z.output<typeof endedQuery> {
  return parseQuery(endedQuery, query);
}
