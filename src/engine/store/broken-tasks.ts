import type { BrokenTask, DeployedBrokenTask, TaskProblem } from '../core/broken-task.ts';
import type { DeployedFolder } from './contents.ts';
import type { DeployedTask } from './deployments.ts';
import type { Queryable } from './open-store.ts';

/** A task of the current deployment, to be part of the next one as it is. */
export interface KeptTask extends DeployedTask {
  readonly hash: string;
  /** The deployment that its code comes from. */
  readonly keptFrom: string;
  readonly stateHash: string | null;
  readonly place: DeployedFolder | null;
  readonly file: string | null;
  readonly external: readonly string[] | null;
}

/** Those of these tasks that the environment's current deployment has. By name. */
export async function readKeptTasks(
  db: Queryable,
  environment: string,
  names: readonly string[],
): Promise<readonly KeptTask[]> {
  if (names.length === 0) return [];
  return db.query<KeptTask>({
    name: 'read_kept_tasks',
    text: `
      select t.name, t.bundle_hash as hash, d.id::text as "keptFrom", d.data_model_hash as "stateHash", t.file, t.external,
        case when d.project_path is not null then json_build_object('treeHash', d.tree_hash, 'filesHash', d.files_hash, 'projectPath', d.project_path) end as place,
        json_strip_nulls(json_build_object('timeoutMs', t.timeout_ms, 'memoryMb', t.memory_mb, 'maxAttempts', t.max_attempts, 'workerStart', t.worker_start)) as config
      from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
        join cloudcode.deployments d on d.id = coalesce(t.kept_from, t.deployment_id)
      where e.name = $1 and t.name = any ($2::text[]) order by t.name`,
    values: [environment, names],
  });
}

/** Makes tasks of the current deployment, which must still be that, part of a new one. */
export async function insertKeptTasks(
  db: Queryable,
  environment: string,
  to: { readonly deploymentId: string; readonly names: readonly string[] },
): Promise<void> {
  await db.query({
    name: 'insert_kept_tasks',
    text: `
      insert into cloudcode.tasks (deployment_id, environment_id, name, bundle_hash, timeout_ms, memory_mb, max_attempts, worker_start, file, external, kept_from)
      select $2, t.environment_id, t.name, t.bundle_hash, t.timeout_ms, t.memory_mb, t.max_attempts, t.worker_start, t.file, t.external, coalesce(t.kept_from, t.deployment_id)
      from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
      where e.name = $1 and t.name = any ($3::text[])`,
    values: [environment, to.deploymentId, to.names],
  });
}

export async function insertBrokenTask(
  db: Queryable,
  deploymentId: string,
  { name, problem }: BrokenTask,
): Promise<void> {
  await db.query({
    name: 'insert_broken_task',
    text: 'insert into cloudcode.broken_tasks (deployment_id, name, problem) values ($1, $2, $3)',
    values: [deploymentId, name, JSON.stringify(problem)],
  });
}

/** The broken tasks of an environment's current deployment, by name. */
export async function readBrokenTasks(db: Queryable, environment: string): Promise<readonly DeployedBrokenTask[]> {
  const rows = await db.query<{
    name: string;
    problem: TaskProblem;
    deployedAt: string | null;
    folder: string | null;
    bundleHash: string | null;
  }>({
    name: 'read_broken_tasks',
    text: `
      select b.name, b.problem, cloudcode.iso(d.created_at) as "deployedAt", d.folder, t.bundle_hash as "bundleHash"
      from cloudcode.environments e join cloudcode.broken_tasks b on b.deployment_id = e.deployment_id
        left join cloudcode.tasks t on t.deployment_id = b.deployment_id and t.name = b.name
        left join cloudcode.deployments d on d.id = t.kept_from
      where e.name = $1 order by b.name`,
    values: [environment],
  });
  return rows.map(({ name, problem, deployedAt, folder, bundleHash }) => ({
    name,
    problem,
    goesOn: deployedAt === null || folder === null || bundleHash === null ? null : { deployedAt, folder, bundleHash },
  }));
}
