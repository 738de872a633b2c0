import { CloudCodeError, type ErrorCode } from './errors.ts';
import { describeValue, parametersToJson } from './parameters-json.ts';
import { readOptions } from './read-options.ts';
import { suggest } from './suggest.ts';

/** A checked request for one run. The parameters are a snapshot, so that later changes by the caller do not matter. */
export interface ScheduleRequest {
  readonly task: string;
  readonly parametersJson: string;
  /** ISO 8601, or null: at once, or `afterMs` from now. */
  readonly at: string | null;
  readonly afterMs: number | null;
  readonly queue: string | null;
  /** While a run of the task with this key is unfinished, asking again gives that run. */
  readonly key: string | null;
}

/** A checked request for a run, with the id that the run gets. */
export type ScheduledRun = ScheduleRequest & { readonly id: string };

const knownOptions = ['task', 'parameters', 'at', 'after', 'queue', 'key'] as const;
const maxNameLength = 512;
const firstTime = Date.UTC(2001, 0, 1) - 2000 * 365.2425 * 86_400_000;
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Checks the options of `scheduleTask` as design.md section 7 has it. Whether the task exists is for the store to say.
 * @throws CloudCodeError with the code of the first thing that is wrong
 */
export function parseScheduleRequest(options: unknown, now: Date): ScheduleRequest {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refused(
      'invalid_task',
      `scheduleTask takes one object of options; this is ${describeValue(options)}.`,
      "Write scheduleTask({ task: 'name' }).",
    );
  }
  refuseUnknownOptions(options);
  const given = readOptions(options, knownOptions);
  const task = parseTask(given.task);
  if (given.at !== undefined && given.after !== undefined) {
    throw refused('at_and_after', 'Both `at` and `after` are given; a run has one time.', 'Give one of them.');
  }
  return {
    task,
    at: given.at === undefined ? null : parseAt(given.at),
    afterMs: given.after === undefined ? null : parseAfter(given.after, now),
    queue: given.queue === undefined ? null : parseQueue(given.queue),
    key: given.key === undefined ? null : parseName(given.key, { option: 'key', code: 'invalid_key' }),
    parametersJson: given.parameters === undefined ? '{}' : parametersToJson(given.parameters),
  };
}

function refuseUnknownOptions(given: object): void {
  for (const option of Object.keys(given)) {
    if (knownOptions.some((known) => known === option)) continue;
    const nearest = suggest(option, knownOptions);
    throw refused(
      'unknown_option',
      `scheduleTask has no option \`${option}\`.`,
      nearest === null ? `The options are ${knownOptions.join(', ')}.` : `Did you mean \`${nearest}\`?`,
    );
  }
}

function parseTask(task: unknown): string {
  if (typeof task === 'string' && task !== '' && !task.includes('\0') && task.isWellFormed()) return task;
  throw refused(
    'invalid_task',
    `\`task\` must be the name of a task; this is ${describeValue(task)}.`,
    "Write scheduleTask({ task: 'name' }).",
  );
}

function parseAt(at: unknown): string {
  if (Object.prototype.toString.call(at) !== '[object Date]') {
    throw refused('invalid_at', `\`at\` must be a Date; this is ${describeValue(at)}.`, 'Pass new Date(…).');
  }
  const time = (at as Date).getTime();
  if (Number.isNaN(time))
    throw refused(
      'invalid_at',
      '`at` is an invalid Date.',
      'Check how it was made: new Date(…) could not read its argument.',
    );
  if (time < firstTime || time > lastTime) {
    throw refused(
      'invalid_at',
      `\`at\` is ${(at as Date).toISOString()}; it must lie in the years 1 to 9999.`,
      undefined,
    );
  }
  return (at as Date).toISOString();
}

function parseAfter(after: unknown, now: Date): number {
  if (typeof after !== 'number' || !Number.isFinite(after)) {
    throw refused(
      'invalid_after',
      `\`after\` must be a finite number of milliseconds; this is ${describeValue(after)}.`,
      undefined,
    );
  }
  if (after < 0)
    throw refused(
      'invalid_after',
      `\`after\` is ${after}; a delay cannot be negative.`,
      'Leave it out to run at once.',
    );
  if (now.getTime() + after > lastTime)
    throw refused('invalid_after', `\`after\` is ${after} ms, which ends after the year 9999.`, undefined);
  return after;
}

/**
 * Checks the name of a queue: any string of 1 to 512 characters without U+0000 or lone surrogates.
 * @throws CloudCodeError `invalid_queue`
 */
export function parseQueue(queue: unknown): string {
  return parseName(queue, { option: 'queue', code: 'invalid_queue' });
}

function parseName(name: unknown, { option, code }: { readonly option: string; readonly code: ErrorCode }): string {
  if (typeof name !== 'string')
    throw refused(code, `\`${option}\` must be a string; this is ${describeValue(name)}.`, undefined);
  if (name === '') throw refused(code, `\`${option}\` is empty.`, `Leave it out for a run without a ${option}.`);
  const { length } = Array.from(name);
  if (length > maxNameLength)
    throw refused(code, `\`${option}\` has ${length} characters; at most ${maxNameLength} are allowed.`, undefined);
  if (name.includes('\0'))
    throw refused(code, `\`${option}\` holds the character U+0000, which PostgreSQL cannot store.`, undefined);
  if (!name.isWellFormed())
    throw refused(code, `\`${option}\` holds a lone surrogate: it is no valid Unicode text.`, undefined);
  return name;
}

/**
 * Checks the list that `scheduleTasks` takes.
 * @throws CloudCodeError with the code of the first thing that is wrong, its message naming the place in the list
 */
export function parseScheduleRequests(list: unknown, now: Date): readonly ScheduleRequest[] {
  if (!Array.isArray(list))
    throw refused(
      'invalid_task',
      `scheduleTasks takes an array of options; this is ${describeValue(list)}.`,
      "Write scheduleTasks([{ task: 'name' }]).",
    );
  return list.map((options: unknown, index) => {
    try {
      return parseScheduleRequest(options, now);
    } catch (error) {
      if (!(error instanceof CloudCodeError)) throw error;
      throw new CloudCodeError(error.code, `[${index}]: ${error.message}`, { hint: error.hint, cause: error });
    }
  });
}

function refused(code: ErrorCode, message: string, hint: string | undefined): CloudCodeError {
  return new CloudCodeError(code, message, { hint });
}
