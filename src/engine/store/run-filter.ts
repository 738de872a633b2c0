import type { RunState } from '../core/run.ts';

/** What is null restricts nothing. */
export interface RunFilter {
  readonly state: RunState | null;
  readonly task: string | null;
  readonly queue: string | null;
  readonly key: string | null;
  /** The id of a run. */
  readonly scheduledBy: string | null;
  /** The id of a deployment: of runs that have ended on it, or are running on it. */
  readonly deployment: string | null;
  /** Of the error that it has finished with. */
  readonly fingerprint: string | null;
  /** ISO 8601: scheduled then or later, in the order of scheduling. */
  readonly since: string | null;
  /** ISO 8601: scheduled before that, in the same order. */
  readonly until: string | null;
  /** Only runs scheduled before the one with this order number. */
  readonly beforeSeq: string | null;
  /** Only the run with this order number, and those scheduled after it. */
  readonly fromSeq: string | null;
}

export const everyRun: RunFilter = {
  state: null,
  task: null,
  queue: null,
  key: null,
  scheduledBy: null,
  deployment: null,
  fingerprint: null,
  since: null,
  until: null,
  beforeSeq: null,
  fromSeq: null,
};

/** A filter of runs as parameters of a statement. */
export interface Asked {
  readonly values: readonly unknown[];
  readonly environment: string;
  readonly limit: string;
  /** What the filter restricts. */
  readonly of: Readonly<Partial<Record<keyof RunFilter, string>>>;
}

const types = {
  state: 'text',
  task: 'text',
  queue: 'text',
  key: 'text',
  scheduledBy: 'uuid',
  deployment: 'bigint',
  fingerprint: 'text',
  since: 'timestamptz',
  until: 'timestamptz',
  beforeSeq: 'bigint',
  fromSeq: 'bigint',
} as const satisfies Record<keyof RunFilter, string>;

export function ask(environmentId: number, filter: RunFilter, limit: number): Asked {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const names = Object.keys(types) as (keyof RunFilter)[];
  return {
    values,
    environment: parameter(environmentId, 'integer'),
    limit: parameter(limit, 'integer'),
    of: Object.fromEntries(
      names.filter((name) => filter[name] !== null).map((name) => [name, parameter(filter[name], types[name])]),
    ),
  };
}

/** The filter as a condition on a table that has these columns, `seq` and `environment_id`. */
export function where(
  { environment, of }: Asked,
  row: string,
  columns: Readonly<Partial<Record<keyof RunFilter, string>>>,
): string {
  const equal = Object.entries(columns).flatMap(([name, column]) => {
    const value = of[name as keyof RunFilter];
    return value === undefined ? [] : [`${column} = ${value}`];
  });
  return [
    `${row}.environment_id = ${environment}`,
    ...equal,
    ...(of.beforeSeq === undefined ? [] : [`${row}.seq < ${of.beforeSeq}`]),
    ...(of.fromSeq === undefined ? [] : [`${row}.seq >= ${of.fromSeq}`]),
    ...(of.since === undefined ? [] : [`${row}.seq >= (select first from bounds)`]),
    ...(of.until === undefined ? [] : [`${row}.seq < (select after_last from bounds)`]),
  ].join(' and ');
}

export const stateOfRun = `case when r.state = 'queued' and r.wake_at > now() then 'scheduled' else r.state end`;

/** The whole filter, on a run. */
export function whereRun(asked: Asked): string {
  return where(asked, 'r', {
    state: stateOfRun,
    task: 'r.task',
    queue: 'r.queue',
    key: 'r.key',
    scheduledBy: 'r.scheduled_by',
    deployment: 'r.deployment_id',
    fingerprint: 'r.fingerprint',
  });
}
