import type { Retention } from '../core/retention.ts';
import type { TaskConfig } from '../core/task-config.ts';
import type { DeployedFolder } from './contents.ts';
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

/** What tells one state of a project from another, wherever its folder lies. */
export interface Digests {
  /** Of the tasks with their config, and what an extension adds. */
  readonly code: string;
  /** Of the variables, the retention and the settings of queues. */
  readonly settings: string;
}

/** The settings of a deployment's configuration, as they are kept with it. */
export interface StoredSettings {
  readonly variables: Readonly<Record<string, string>>;
  readonly retention: Retention;
  /** Queues that do not wait, with how they do that. */
  readonly policies: readonly (readonly [string, 'skip'])[];
}

/** For the rest of the transaction no bundle is deleted. @returns those of these that are there */
export async function holdBundles(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  await db.query({ name: 'hold_bundles', text: 'lock table cloudcode.bundles in row exclusive mode' });
  // A statement of its own: the one that has waited does not see what was deleted meanwhile.
  const rows = await db.query<{ hash: string }>({
    name: 'read_known_bundles',
    text: 'select hash from cloudcode.bundles where hash = any ($1::text[])',
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** Notes that these are needed now: for an hour nobody deletes them. @returns those that are there */
export async function markBundles(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ hash: string }>({
    name: 'mark_bundles',
    text: `
      with stale as (
        -- In one order, so that deployments do not wait for each other in a circle.
        select hash from cloudcode.bundles
        where hash = any ($1::text[]) and (needed_at is null or needed_at < now() - interval '10 minutes') order by hash for update
      ), marked as (
        update cloudcode.bundles set needed_at = now() where hash in (select hash from stale)
      )
      select hash from cloudcode.bundles where hash = any ($1::text[])`,
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** One that no deployment has yet: it stays for an hour at least. */
export async function insertSentBundle(db: Queryable, bundle: Bundle): Promise<void> {
  await db.query({
    name: 'insert_sent_bundle',
    text: `
      insert into cloudcode.bundles (hash, code, source_map, format, needed_at) values ($1, $2, $3, $4, now())
      on conflict (hash) do update set needed_at = now()`,
    values: [bundle.hash, bundle.code, bundle.sourceMap, bundle.format],
  });
}

/** @returns whether it was not there */
export async function insertBundle(db: Queryable, bundle: Bundle): Promise<boolean> {
  const inserted = await db.query({
    name: 'insert_bundle',
    text: 'insert into cloudcode.bundles (hash, code, source_map, format) values ($1, $2, $3, $4) on conflict (hash) do nothing returning hash',
    values: [bundle.hash, bundle.code, bundle.sourceMap, bundle.format],
  });
  return inserted.length > 0;
}

export async function isCurrent(db: Queryable, environment: string, { code, settings }: Digests): Promise<boolean> {
  const rows = await db.query({
    name: 'is_current',
    text: `
      select from cloudcode.environments e join cloudcode.deployments d on d.id = e.deployment_id
      where e.name = $1 and d.digest = $2 and d.settings_digest = $3`,
    values: [environment, code, settings],
  });
  return rows.length > 0;
}

/** The deployment that has replaced the code of a project since the environment had that. */
export interface Replacement {
  readonly replacedAt: string;
  /** On the machine that deployed it. */
  readonly folder: string;
}

/** Null when the environment has never had this code, or has it now. Settings alone are nobody's past: who starts the same code with others wants those. */
export async function readReplacement(
  db: Queryable,
  environment: string,
  { code }: Digests,
): Promise<Replacement | null> {
  const [row] = await db.query<Replacement>({
    name: 'read_replacement',
    text: `
      select cloudcode.iso(current.created_at) as "replacedAt", current.folder
      from cloudcode.environments e join cloudcode.deployments current on current.id = e.deployment_id
      where e.name = $1 and current.digest is distinct from $2
        and exists (select from cloudcode.deployments d where d.environment_id = e.id and d.digest = $2)`,
    values: [environment, code],
  });
  return row ?? null;
}

export async function insertDeployment(
  db: Queryable,
  deployment: {
    readonly environmentId: number;
    readonly digests: Digests;
    readonly settings: StoredSettings;
    readonly folder: string;
    readonly stateHash: string | null;
    readonly place?: DeployedFolder | null;
  },
): Promise<string> {
  const { environmentId, digests, settings, folder, stateHash, place = null } = deployment;
  const [row] = await db.query<{ id: string }>({
    name: 'insert_deployment',
    text: `
      insert into cloudcode.deployments (environment_id, digest, settings_digest, settings, folder, data_model_hash, tree_hash, files_hash, project_path)
      values ($1, $2, $3, $9, $4, $5, $6, $7, $8) returning id::text as id`,
    values: [
      environmentId,
      digests.code,
      digests.settings,
      folder,
      stateHash,
      place?.treeHash ?? null,
      place?.filesHash ?? null,
      place?.projectPath ?? null,
      JSON.stringify(settings),
    ],
  });
  if (row === undefined) throw new Error('the deployment was not inserted');
  return row.id;
}

/** What an extension adds to deployments is kept once for each hash. The table has the name of the first that there was: the data model. */
export async function insertExtensionState(
  db: Queryable,
  state: { readonly hash: string; readonly json: string },
): Promise<void> {
  await db.query({
    name: 'insert_data_model',
    text: 'insert into cloudcode.data_models (hash, model) values ($1, $2) on conflict (hash) do nothing',
    values: [state.hash, state.json],
  });
}

/** Null when it is not there. */
export async function readExtensionState(db: Queryable, hash: string): Promise<unknown> {
  const [row] = await db.query<{ state: unknown }>({
    name: 'read_data_model',
    text: 'select model as state from cloudcode.data_models where hash = $1',
    values: [hash],
  });
  return row?.state ?? null;
}

/** Of what is deployed now; null when nothing is, or a project without one. */
export async function readCurrentState(db: Queryable, environment: string): Promise<unknown> {
  const [row] = await db.query<{ state: unknown }>({
    name: 'read_current_data_model',
    text: `
      select m.model as state
      from cloudcode.environments e join cloudcode.deployments d on d.id = e.deployment_id join cloudcode.data_models m on m.hash = d.data_model_hash
      where e.name = $1`,
    values: [environment],
  });
  return row?.state ?? null;
}

export type TaskToInsert = DeployedTask & {
  readonly bundleHash: string;
  readonly file?: string | undefined;
  readonly external?: readonly string[] | undefined;
};

/** In one statement: projects have dozens. */
export async function insertTasks(
  db: Queryable,
  tasks: readonly TaskToInsert[],
  of: { readonly deploymentId: string; readonly environmentId: number },
): Promise<void> {
  await db.query({
    name: 'insert_tasks',
    text: `
      insert into cloudcode.tasks (deployment_id, environment_id, name, bundle_hash, timeout_ms, memory_mb, max_attempts, worker_start, file, external)
      select $1, $2, t.name, t."bundleHash", t."timeoutMs", t."memoryMb", t."maxAttempts", t."workerStart", t.file, t.external
      from json_to_recordset($3) as t (name text, "bundleHash" text, "timeoutMs" bigint, "memoryMb" integer, "maxAttempts" integer, "workerStart" text, file text, external text[])`,
    values: [
      of.deploymentId,
      of.environmentId,
      JSON.stringify(
        tasks.map(
          ({ name, bundleHash, file, external, config: { timeoutMs, memoryMb, maxAttempts, workerStart } }) => ({
            name,
            bundleHash,
            file,
            external,
            timeoutMs,
            memoryMb,
            maxAttempts,
            workerStart,
          }),
        ),
      ),
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

/** The same state lies in another folder now. */
export async function setDeploymentFolder(db: Queryable, deploymentId: string, folder: string): Promise<void> {
  await db.query({
    name: 'set_deployment_folder',
    text: 'update cloudcode.deployments set folder = $2 where id = $1 and folder <> $2',
    values: [deploymentId, folder],
  });
}

/** @returns whether they were others */
export async function setVariables(
  db: Queryable,
  environmentId: number,
  variables: Readonly<Record<string, string>>,
): Promise<boolean> {
  const changed = await db.query({
    name: 'set_variables',
    text: 'update cloudcode.environments set variables = $2::json, variables_version = variables_version + 1 where id = $1 and variables::text <> $2 returning id',
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
