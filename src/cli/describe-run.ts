import type { ErrorRecord } from '../engine/core/errors.ts';
import { type Attempt, isFinal, type Run, type RunState } from '../engine/core/run.ts';
import { escapeConsoleLine, escapeText } from './terminal/escape-text.ts';
import { duration, relativeTime } from './terminal/relative-time.ts';
import type { Colours } from './terminal/terminal.ts';

export interface RunDescription {
  readonly colours: Colours;
  readonly now: number;
  /** Follows the state. */
  readonly stateNote?: string | undefined;
}

/** A run for people: its fields, one a line, then its attempts and its error. */
export function describeRun(run: Run, { colours, now, stateNote = '' }: RunDescription): string {
  const fields: [string, string | null][] = [
    ['run', run.id],
    ['task', escapeText(run.task)],
    ['state', `${paintState(colours, run.state)}${stateNote}`],
    ['queue', run.queue === null ? null : escapeText(run.queue)],
    ['key', run.key === null ? null : escapeText(run.key)],
    ['parameters', shortJson(run.parameters)],
    ['scheduled', `${run.createdAt}${run.scheduledBy === null ? '' : ` by run ${run.scheduledBy}`}`],
    ['due', isFinal(run.state) ? null : `${run.dueAt} (${relativeTime(run.dueAt, now)})`],
    [
      'next attempt',
      run.retryAt === null || isFinal(run.state) ? null : `${run.retryAt} (${relativeTime(run.retryAt, now)})`,
    ],
    [
      'finished',
      run.finishedAt === null
        ? null
        : `${run.finishedAt} (${relativeTime(run.finishedAt, now)}), took ${duration(tookMs(run, now) ?? 0)}`,
    ],
    ['fingerprint', run.fingerprint],
    ['result', run.state === 'succeeded' && run.result !== undefined ? shortJson(run.result) : null],
  ];
  const lines = fields.flatMap(([name, value]) =>
    value === null ? [] : [`${colours.dim(name.padEnd(12))}  ${value}`],
  );
  if (run.attempts.length > 1 || run.attempts.some((attempt) => attempt.outcome !== 'returned'))
    lines.push(...run.attempts.map((attempt) => describeAttempt(attempt, run, { colours, now })));
  if (run.error !== null) lines.push('', ...errorLines(run.error).map((line) => colours.red(line)));
  return lines.join('\n');
}

function describeAttempt(
  attempt: Attempt,
  run: Run,
  { colours, now }: { readonly colours: Colours; readonly now: number },
): string {
  const end = attempt.finishedAt === null ? now : Date.parse(attempt.finishedAt);
  const facts = [
    attempt.outcome ?? (attempt.answeredAt === null ? 'running' : 'answered (its process is ending)'),
    duration(Math.max(0, end - Date.parse(attempt.startedAt))),
    attempt.signal === null ? null : attempt.signal,
    attempt.exitCode === null || attempt.exitCode === 0 ? null : `exit code ${attempt.exitCode}`,
    attempt.pid === null ? null : `pid ${attempt.pid}`,
    attempt.peakMemoryBytes === null || attempt.peakMemoryBytes === 0
      ? null
      : `${Math.round(attempt.peakMemoryBytes / 1024 / 1024)} MB`,
  ].filter((fact) => fact !== null);
  const why =
    attempt.error === null || attempt.error.message === run.error?.message
      ? ''
      : `\n${''.padEnd(14)}${escapeText(firstLine(attempt.error.message))}`;
  return `${colours.dim(`attempt ${attempt.number}`.padEnd(12))}  ${facts.join(', ')}${why}`;
}

/** With its stack, where it has one. */
export function errorLines(error: ErrorRecord): string[] {
  const stack = error.stack ?? '';
  const whole = stack.includes(error.message)
    ? stack
    : `${error.name}: ${error.message}${stack === '' ? '' : `\n${stack}`}`;
  const properties = Object.entries(error.properties ?? {}).map(
    ([name, value]) => `  ${name}: ${JSON.stringify(value)}`,
  );
  return [...whole.split('\n'), ...properties].map(escapeConsoleLine);
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** How long a run took from its first start to its end, or until now. */
export function tookMs(run: Run, now: number): number | null {
  if (run.startedAt === null) return null;
  return Math.max(0, (run.finishedAt === null ? now : Date.parse(run.finishedAt)) - Date.parse(run.startedAt));
}

/** `value` came out of JSON, so it goes back into it. */
function shortJson(value: unknown): string {
  const json = JSON.stringify(value);
  return escapeText(json.length > 2000 ? `${json.slice(0, 2000)}… (${json.length} characters; --json has all)` : json);
}

export function paintState(colours: Colours, state: RunState): string {
  switch (state) {
    case 'succeeded':
      return colours.green(state);
    case 'failed':
    case 'dead':
      return colours.red(state);
    case 'running':
      return colours.cyan(state);
    case 'cancelled':
    case 'scheduled':
      return colours.dim(state);
    case 'queued':
      return colours.yellow(state);
  }
}
