import { CloudCodeError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { readRun } from '../store/read-runs.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws CloudCodeError `run_not_found` */
export async function getRun(db: Queryable, environment: string, runId: string): Promise<Run> {
  // Anything else would be refused by the database's uuid type.
  const run = uuid.test(runId) ? await readRun(db, environment, runId) : null;
  if (run !== null) return run;
  throw new CloudCodeError('run_not_found', `There is no run \`${runId}\` in the environment \`${environment}\`.`, {
    hint: 'List the runs: cloudcode runs.',
  });
}
