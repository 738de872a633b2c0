import { CloudCodeError } from '../core/errors.ts';
import type { Run, RunState } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { findEnvironment } from './environments.ts';
import { readRun, readRunState, readRunText } from '../store/read-runs.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws CloudCodeError `run_not_found` */
export function getRun(db: Queryable, environment: string, runId: string): Promise<Run> {
  return found(readRun, db, { environment, runId });
}

/** The run as JSON text, which costs little however large it is. @throws CloudCodeError `run_not_found` */
export function getRunText(db: Queryable, environment: string, runId: string): Promise<string> {
  return found(readRunText, db, { environment, runId });
}

/** Its state alone: parameters and result may be 5 MB each. @throws CloudCodeError `run_not_found` */
export function getRunState(db: Queryable, environment: string, runId: string): Promise<RunState> {
  return found(readRunState, db, { environment, runId });
}

type Read<Answer> = (db: Queryable, environment: string, runId: string) => Promise<Answer | null>;

async function found<Answer>(
  read: Read<Answer>,
  db: Queryable,
  { environment, runId }: { readonly environment: string; readonly runId: string },
): Promise<Answer> {
  // Anything else would be refused by the database's uuid type.
  const answer = uuid.test(runId) ? await read(db, environment, runId) : null;
  if (answer !== null) return answer;
  await findEnvironment(db, environment);
  throw new CloudCodeError('run_not_found', `There is no run \`${runId}\` in the environment \`${environment}\`.`, {
    hint: 'List the runs: cloudcode runs.',
  });
}
