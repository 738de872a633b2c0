import type { WorkerStart } from '../core/task-config.ts';
import type { DeployedFolder } from './contents.ts';
import type { Queryable } from './open-store.ts';

/** A task of a deployment to come. */
export interface TaskToCheck {
  readonly name: string;
  readonly bundleHash: string;
  readonly bundleFormat: 'cjs' | 'esm';
  readonly file: string | null;
  readonly external: readonly string[] | null;
  readonly memoryMb: number;
  readonly workerStart: WorkerStart | null;
}

export interface CheckProblem {
  readonly task: string;
  /** What it threw, with the place. */
  readonly message: string;
}

interface ToCheck {
  readonly environmentId: number;
  readonly tasks: readonly TaskToCheck[];
  readonly variables: Readonly<Record<string, string>>;
  readonly stateHash: string | null;
  readonly place: DeployedFolder;
}

/** What it refers to must be there, and held. @returns its number */
export async function insertCheck(db: Queryable, check: ToCheck): Promise<string> {
  const { environmentId, tasks, variables, stateHash, place } = check;
  const [row] = await db.query<{ id: string }>({
    name: 'insert_check',
    text: `
      with stale as (
        -- Of whoever went away without an answer.
        delete from cloudcode.deployment_checks where requested_at < now() - interval '1 hour'
      )
      insert into cloudcode.deployment_checks (environment_id, tasks, variables, data_model_hash, tree_hash, files_hash, project_path)
      values ($1, $2, $3, $4, $5, $6, $7) returning id::text as id`,
    values: [
      environmentId,
      JSON.stringify(tasks),
      JSON.stringify(variables),
      stateHash,
      place.treeHash,
      place.filesHash,
      place.projectPath,
    ],
  });
  if (row === undefined) throw new Error('the check was not inserted');
  return row.id;
}

/** Tells the runners that there is something to check. */
export async function tellChecks(db: Queryable): Promise<void> {
  await db.query({ name: 'tell_checks', text: "select pg_notify('cloudcode', 'check')" });
}

export interface CheckState {
  readonly runnerId: string | null;
  readonly done: number;
  /** Null while it is not done. */
  readonly problems: readonly CheckProblem[] | null;
  readonly unchecked: readonly string[];
  /** Since it was asked for, or last went on, in milliseconds. */
  readonly idleMs: number;
}

/** Null when it is gone. */
export async function readCheck(db: Queryable, id: string): Promise<CheckState | null> {
  const [row] = await db.query<CheckState>({
    name: 'read_check',
    text: `
      select runner_id as "runnerId", done, problems, unchecked,
        (extract(epoch from clock_timestamp() - coalesce(touched_at, requested_at)) * 1000)::double precision as "idleMs"
      from cloudcode.deployment_checks where id = $1`,
    values: [id],
  });
  return row ?? null;
}

export async function deleteCheck(db: Queryable, id: string): Promise<void> {
  await db.query({ name: 'delete_check', text: 'delete from cloudcode.deployment_checks where id = $1', values: [id] });
}

export interface ClaimedCheck extends ToCheck {
  readonly id: string;
  readonly environment: string;
}

/** One that nobody is at; null where there is none. */
export async function claimCheck(db: Queryable, runnerId: string): Promise<ClaimedCheck | null> {
  const [row] = await db.query<ClaimedCheck>({
    name: 'claim_check',
    text: `
      update cloudcode.deployment_checks k set runner_id = $1, touched_at = now()
      from cloudcode.environments e
      where e.id = k.environment_id and k.id = (
        select id from cloudcode.deployment_checks where runner_id is null order by id limit 1 for update skip locked)
      returning k.id::text as id, k.environment_id as "environmentId", e.name as environment, k.tasks, k.variables, k.data_model_hash as "stateHash",
        json_build_object('treeHash', k.tree_hash, 'filesHash', k.files_hash, 'projectPath', k.project_path) as place`,
    values: [runnerId],
  });
  return row ?? null;
}

/** Leaves it to another runner. */
export async function releaseCheck(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: 'release_check',
    text: 'update cloudcode.deployment_checks set runner_id = null, done = 0, touched_at = null where id = $1',
    values: [id],
  });
}

/** @returns whether anybody waits for it */
export async function touchCheck(db: Queryable, id: string, done: number): Promise<boolean> {
  const rows = await db.query({
    name: 'touch_check',
    text: 'update cloudcode.deployment_checks set done = $2, touched_at = now() where id = $1 returning id',
    values: [id, done],
  });
  return rows.length > 0;
}

export async function answerCheck(
  db: Queryable,
  id: string,
  { problems, unchecked }: Pick<CheckState, 'unchecked'> & { readonly problems: readonly CheckProblem[] },
): Promise<void> {
  await db.query({
    name: 'answer_check',
    text: 'update cloudcode.deployment_checks set problems = $2, unchecked = $3, touched_at = now() where id = $1',
    values: [id, JSON.stringify(problems), unchecked],
  });
}
