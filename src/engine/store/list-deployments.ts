import type { TaskConfig } from '../core/task-config.ts';
import type { DeployedFolder } from './contents.ts';
import type { StoredSettings } from './deployments.ts';
import type { Queryable } from './open-store.ts';

export interface DeploymentRow {
  readonly id: string;
  readonly createdAt: string;
  readonly active: boolean;
  /** The earlier deployment that it has brought back; null for one that was built. */
  readonly restores: string | null;
  /** Where it was built; null for one that was sent to a server. */
  readonly folder: string | null;
  /** How many; null of one whose code is gone. */
  readonly tasks: number | null;
}

const columns = `
  d.id::text as id, cloudcode.iso(d.created_at) as "createdAt", coalesce(e.deployment_id = d.id, false) as active, d.restores::text as restores,
  nullif(d.folder, '') as folder,
  case when d.pruned_at is null then (select count(*)::integer from cloudcode.tasks t where t.deployment_id = d.id) end as tasks`;

/** Newest first. @param before those with smaller numbers; null: the newest */
export function readDeployments(
  db: Queryable,
  environment: string,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<readonly DeploymentRow[]> {
  return db.query<DeploymentRow>({
    name: 'read_deployments',
    text: `
      select ${columns}
      from cloudcode.environments e join cloudcode.deployments d on d.environment_id = e.id
      where e.name = $1 and ($2::bigint is null or d.id < $2) order by d.id desc limit $3`,
    values: [environment, before, limit],
  });
}

export interface DeploymentParts extends DeploymentRow {
  readonly taskList: readonly DeployedTaskRow[];
  readonly packages: readonly string[];
  /** Its files besides code and packages. */
  readonly files: { readonly count: number; readonly bytes: number } | null;
  /** What an extension has added; null for nothing. */
  readonly state: unknown;
  readonly place: DeployedFolder | null;
  readonly settings: StoredSettings;
}

export interface DeployedTaskRow {
  readonly name: string;
  readonly bundleHash: string;
  /** Packages that are loaded by Node alone. */
  readonly external: readonly string[] | null;
  readonly config: TaskConfig;
}

/** Null when the environment has none of this number. */
export async function readDeployment(db: Queryable, environment: string, id: string): Promise<DeploymentParts | null> {
  const [row] = await db.query<DeploymentParts>({
    name: 'read_deployment',
    text: `
      select ${columns}, d.settings, m.model as state,
        case when d.project_path is not null then json_build_object('treeHash', d.tree_hash, 'filesHash', d.files_hash, 'projectPath', d.project_path) end as place,
        coalesce((
          select json_agg(json_build_object('name', t.name, 'bundleHash', t.bundle_hash, 'external', t.external, 'config', json_strip_nulls(json_build_object(
            'timeoutMs', t.timeout_ms, 'memoryMb', t.memory_mb, 'maxAttempts', t.max_attempts, 'workerStart', t.worker_start))) order by t.name)
          from cloudcode.tasks t where t.deployment_id = d.id), '[]') as "taskList",
        coalesce((
          select json_agg(distinct c.name order by c.name) from cloudcode.package_tree_contents p join cloudcode.contents c on c.hash = p.content_hash
          where p.tree_hash = d.tree_hash), '[]') as packages,
        (select json_build_object('count', json_array_length(c.files), 'bytes', c.bytes) from cloudcode.contents c where c.hash = d.files_hash) as files
      from cloudcode.environments e join cloudcode.deployments d on d.environment_id = e.id left join cloudcode.data_models m on m.hash = d.data_model_hash
      where e.name = $1 and d.id = $2`,
    values: [environment, id],
  });
  return row ?? null;
}

/** Makes a deployment of what another one is made of. Both must be of the environment, which is locked. @returns its number; null when what that is made of is gone */
export async function copyDeployment(
  db: Queryable,
  { id, stateHash }: { readonly id: string; readonly stateHash: string | null },
): Promise<string | null> {
  const [row] = await db.query<{ id: string }>({
    name: 'copy_deployment',
    text: `
      insert into cloudcode.deployments (environment_id, digest, settings_digest, settings, folder, data_model_hash, tree_hash, files_hash, project_path, restores)
      select environment_id, digest, settings_digest, settings, folder, $2, tree_hash, files_hash, project_path, id
      from cloudcode.deployments where id = $1 and pruned_at is null
      returning id::text as id`,
    values: [id, stateHash],
  });
  if (row === undefined) return null;
  await db.query({
    name: 'copy_tasks',
    text: `
      insert into cloudcode.tasks (deployment_id, environment_id, name, bundle_hash, timeout_ms, memory_mb, max_attempts, worker_start, file, external, kept_from)
      select $2, environment_id, name, bundle_hash, timeout_ms, memory_mb, max_attempts, worker_start, file, external, kept_from
      from cloudcode.tasks where deployment_id = $1`,
    values: [id, row.id],
  });
  await db.query({
    name: 'copy_broken_tasks',
    text: 'insert into cloudcode.broken_tasks (deployment_id, name, problem) select $2, name, problem from cloudcode.broken_tasks where deployment_id = $1',
    values: [id, row.id],
  });
  return row.id;
}

/** How many unfinished runs there are of each of these tasks, where there are any. */
export function countUnfinished(
  db: Queryable,
  environment: string,
  tasks: readonly string[],
): Promise<readonly { readonly task: string; readonly runs: number }[]> {
  return db.query({
    name: 'count_unfinished',
    text: `
      select r.task, count(*)::integer as runs
      from cloudcode.environments e
        cross join lateral (
          select run_id from cloudcode.ready where environment_id = e.id
          union all select run_id from cloudcode.backlog where environment_id = e.id
          union all select id from cloudcode.running_runs where environment_id = e.id
        ) unfinished
        join cloudcode.runs r on r.id = unfinished.run_id
      where e.name = $1 and r.task = any ($2::text[]) group by r.task order by r.task`,
    values: [environment, tasks],
    limitMs: 60_000,
  });
}

/** Up to `limit` runs of these tasks that wait. */
export async function readWaitingOf(
  db: Queryable,
  environment: string,
  { tasks, limit }: { readonly tasks: readonly string[]; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>({
    name: 'read_waiting_of',
    text: `
      select r.id
      from cloudcode.environments e
        cross join lateral (
          select run_id from cloudcode.ready where environment_id = e.id union all select run_id from cloudcode.backlog where environment_id = e.id
        ) waiting
        join cloudcode.runs r on r.id = waiting.run_id
      where e.name = $1 and r.task = any ($2::text[]) and r.state = 'queued' limit $3`,
    values: [environment, tasks, limit],
    limitMs: 60_000,
  });
  return rows.map(({ id }) => id);
}
