import type { CallOf } from '../service/api/operation.ts';
import type { runs as operations } from '../service/api/runs.ts';
import { parseMoment } from './parse-values.ts';

/** The options of `runs`. */
export interface RunsOptions {
  readonly state?: string;
  readonly task?: string;
  readonly queue?: string;
  readonly key?: string;
  readonly scheduledBy?: string;
  readonly deployment?: string;
  readonly fingerprint?: string;
  readonly search?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

/** Those that say which runs are meant. */
export const filterNames = [
  'state',
  'task',
  'queue',
  'key',
  'scheduledBy',
  'deployment',
  'fingerprint',
  'since',
  'until',
];

/** What the options of `runs` restrict. */
export async function filterOf(options: RunsOptions): Promise<CallOf<typeof operations.list>> {
  const { state, task, queue, key, scheduledBy, deployment, fingerprint, search } = options;
  const moment = async (option: string, value: string | undefined): Promise<string | undefined> =>
    value === undefined ? undefined : (await parseMoment(option, value)).toISOString();
  return {
    state,
    task,
    queue,
    key,
    scheduledBy,
    deployment,
    fingerprint,
    search,
    since: await moment('--since', options.since),
    until: await moment('--until', options.until),
  };
}
