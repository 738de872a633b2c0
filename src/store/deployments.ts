import type { DataModel } from '../core/data-model.ts';
import type { TaskConfig } from '../core/task-config.ts';
import type { Queryable } from './open-store.ts';

export interface Bundle {
  readonly hash: string;
  readonly code: string;
  readonly sourceMap: string;
  readonly format: 'cjs' | 'esm';
}

export interface DeployedTask {
  readonly name: string;
  readonly config: TaskConfig;
}

/** Makes the environment if it is not there, and locks it, so that deployments to it take turns. */
export async function lockEnvironment(db: Queryable, environment: string): Promise<{ readonly id: number; readonly digest: string | null }> {
  await db.query({
    name: 'insert_environment',
    text: 'insert into cloudcode.environments (name) values ($1) on conflict (name) do nothing',
    values: [environment],
  });
  const [row] = await db.query<{ id: number; digest: string | null }>({
    name: 'lock_environment',
    text: `
      select e.id, (select d.digest from cloudcode.deployments d where d.id = e.deployment_id) as digest
      from cloudcode.environments e where e.name = $1 for update`,
    values: [environment],
  });
  if (row === undefined) throw new Error(`environment ${environment} was not there after it was made`);
  return row;
}

export async function insertBundle(db: Queryable, bundle: Bundle): Promise<void> {
  await db.query({
    name: 'insert_bundle',
    text: 'insert into cloudcode.bundles (hash, code, source_map, format) values ($1, $2, $3, $4) on conflict (hash) do nothing',
    values: [bundle.hash, bundle.code, bundle.sourceMap, bundle.format],
  });
}

export async function insertDeployment(
  db: Queryable,
  deployment: { readonly environmentId: number; readonly digest: string; readonly folder: string; readonly dataModelHash: string | null },
): Promise<string> {
  const [row] = await db.query<{ id: string }>({
    name: 'insert_deployment',
    text: 'insert into cloudcode.deployments (environment_id, digest, folder, data_model_hash) values ($1, $2, $3, $4) returning id::text as id',
    values: [deployment.environmentId, deployment.digest, deployment.folder, deployment.dataModelHash],
  });
  if (row === undefined) throw new Error('the deployment was not inserted');
  return row.id;
}

export async function insertDataModel(db: Queryable, model: { readonly hash: string; readonly json: string }): Promise<void> {
  await db.query({
    name: 'insert_data_model',
    text: 'insert into cloudcode.data_models (hash, model) values ($1, $2) on conflict (hash) do nothing',
    values: [model.hash, model.json],
  });
}

export async function readDataModel(db: Queryable, hash: string): Promise<DataModel> {
  const [row] = await db.query<{ model: DataModel }>({
    name: 'read_data_model',
    text: 'select model from cloudcode.data_models where hash = $1',
    values: [hash],
  });
  if (row === undefined) throw new Error(`data model ${hash} is not in the database`);
  return row.model;
}

export async function insertTask(
  db: Queryable,
  task: DeployedTask & { readonly deploymentId: string; readonly environmentId: number; readonly bundleHash: string },
): Promise<void> {
  await db.query({
    name: 'insert_task',
    text: `
      insert into cloudcode.tasks (deployment_id, environment_id, name, bundle_hash, timeout_ms, memory_mb, max_attempts, worker_start)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      task.deploymentId, task.environmentId, task.name, task.bundleHash,
      task.config.timeoutMs, task.config.memoryMb, task.config.maxAttempts, task.config.workerStart ?? null,
    ],
  });
}

export async function activateDeployment(db: Queryable, environmentId: number, deploymentId: string): Promise<void> {
  await db.query({
    name: 'activate_deployment',
    text: 'update cloudcode.environments set deployment_id = $2 where id = $1',
    values: [environmentId, deploymentId],
  });
}

/** @returns whether they were others */
export async function setVariables(db: Queryable, environmentId: number, variables: Readonly<Record<string, string>>): Promise<boolean> {
  const changed = await db.query({
    name: 'set_variables',
    text: 'update cloudcode.environments set variables = $2::json where id = $1 and variables::text <> $2 returning id',
    values: [environmentId, JSON.stringify(variables)],
  });
  return changed.length > 0;
}

/** The tasks of an environment's current deployment. */
export function readTasks(db: Queryable, environment: string): Promise<readonly DeployedTask[]> {
  return db.query<DeployedTask>({
    name: 'read_tasks',
    text: `
      select t.name, json_strip_nulls(json_build_object('timeoutMs', t.timeout_ms, 'memoryMb', t.memory_mb, 'maxAttempts', t.max_attempts, 'workerStart', t.worker_start)) as config
      from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
      where e.name = $1 order by t.name`,
    values: [environment],
  });
}

export async function readBundle(db: Queryable, hash: string): Promise<Bundle | null> {
  const [bundle] = await db.query<Bundle>({
    name: 'read_bundle',
    text: 'select hash, code, source_map as "sourceMap", format from cloudcode.bundles where hash = $1',
    values: [hash],
  });
  return bundle ?? null;
}
