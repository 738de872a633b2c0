import { createHash } from 'node:crypto';
import type { DataModel } from '../core/data-model.ts';
import { defaultRetention, type Retention } from '../core/retention.ts';
import { defaultTaskConfig, type TaskConfig } from '../core/task-config.ts';
import { type OnProgress, withTables } from '../data/tables/prepare-tables.ts';
import { activateDeployment, insertBundle, insertDataModel, insertDeployment, insertTask, lockEnvironment, setVariables } from '../store/deployments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { setRetention } from '../store/prune-runs.ts';
import { retryConflicts } from '../store/retry-conflicts.ts';
import { setRetryPolicies } from '../store/queues.ts';
import { bundleHash } from './bundle-hash.ts';

/** A project as it was built: what a deployment is made of. */
export interface DeployableProject {
  readonly folder: string;
  readonly tasks: readonly DeployableTask[];
  /** Absent or null for a project without one. */
  readonly dataModel?: DataModel | null;
  readonly config: {
    readonly defaults?: Partial<TaskConfig> | undefined;
    readonly environments?: Readonly<Record<string, { readonly variables?: Readonly<Record<string, string>> | undefined }>> | undefined;
    readonly queues?: Readonly<Record<string, { readonly onRetry?: 'wait' | 'skip' | undefined }>> | undefined;
    readonly retention?: Partial<Retention> | undefined;
  };
}

export interface DeployableTask {
  readonly name: string;
  readonly config: Partial<TaskConfig>;
  readonly code: string;
  readonly sourceMap: string;
  readonly format: 'cjs' | 'esm';
  /** What it needs that only a spawned worker has, if anything. */
  readonly spawnNeed?: string | null;
}

export interface Deployed {
  readonly tasks: readonly string[];
  /** False when the environment had this very deployment already. */
  readonly changed: boolean;
  /** What else of the configuration became another: `variables`, `retention`, `queues`. */
  readonly settings: readonly string[];
  /** Tasks that are spawned also where the machine forks, for what they need. */
  readonly spawned: readonly SpawnedTask[];
}

export interface SpawnedTask {
  readonly task: string;
  /** `sharp`, `node:inspector`. */
  readonly need: string;
}

/**
 * Makes a built project what an environment's next attempts run, in one transaction; before that, its tables are brought to the data model.
 * @throws CloudCodeError `data_model_conflict`, `deploy_blocked`, `deploy_failed`, `database_without_icu`: nothing was deployed
 */
export function deployProject(store: Store, environment: string, project: DeployableProject, onProgress: OnProgress = () => undefined): Promise<Deployed> {
  const dataModel = project.dataModel ?? null;
  const activate = (): Promise<Deployed> => activateProject(store, environment, { project, dataModel: dataModel === null ? null : hashedModel(dataModel) });
  return dataModel === null ? activate() : withTables(store, { environment, dataModel, onProgress }, activate);
}

interface HashedModel {
  readonly hash: string;
  readonly json: string;
}

async function activateProject(store: Store, environment: string, { project, dataModel }: { readonly project: DeployableProject; readonly dataModel: HashedModel | null }): Promise<Deployed> {
  const tasks = project.tasks.map((task) => ({ ...task, config: configOf(task, project.config.defaults), hash: bundleHash(task) }));
  const digest = digestOf({ folder: project.folder, dataModelHash: dataModel?.hash ?? null }, tasks);
  const deployed = await retryConflicts(() => store.transaction(async (db) => {
    const { id: environmentId, digest: current } = await lockEnvironment(db, environment);
    const settings = await applySettings(db, environmentId, { environment, project });
    if (current !== digest) {
      for (const task of tasks) await insertBundle(db, { ...task });
      if (dataModel !== null) await insertDataModel(db, dataModel);
      const deploymentId = await insertDeployment(db, { environmentId, digest, folder: project.folder, dataModelHash: dataModel?.hash ?? null });
      for (const task of tasks) await insertTask(db, { ...task, bundleHash: task.hash, deploymentId, environmentId });
      await activateDeployment(db, environmentId, deploymentId);
    }
    return { tasks: tasks.map((task) => task.name), changed: current !== digest, settings, spawned: project.tasks.flatMap(spawnedFor) };
  }));
  // A queue's setting may have changed who is next.
  store.ring();
  return deployed;
}

/** What the task says itself counts before what it needs, and that before what the project says of all tasks. */
function configOf({ config, spawnNeed }: DeployableTask, defaults: Partial<TaskConfig> | undefined): TaskConfig {
  const needed = (spawnNeed ?? null) === null ? {} : ({ workerStart: 'spawn' } as const);
  return { ...defaultTaskConfig, ...defaults, ...needed, ...config };
}

function spawnedFor({ name, config, spawnNeed }: DeployableTask): SpawnedTask[] {
  return typeof spawnNeed === 'string' && config.workerStart === undefined ? [{ task: name, need: spawnNeed }] : [];
}

async function applySettings(
  db: Queryable,
  environmentId: number,
  from: { readonly environment: string; readonly project: DeployableProject },
): Promise<readonly string[]> {
  const { config } = from.project;
  const changed: string[] = [];
  if (await setVariables(db, environmentId, config.environments?.[from.environment]?.variables ?? {})) changed.push('variables');
  if (await setRetention(db, environmentId, { ...defaultRetention, ...config.retention })) changed.push('retention');
  const policies = Object.entries(config.queues ?? {}).map(([name, queue]) => [name, queue.onRetry ?? 'wait'] as const);
  if (await setRetryPolicies(db, environmentId, new Map(policies.filter(([, onRetry]) => onRetry !== 'wait')))) changed.push('queues');
  return changed;
}

function hashedModel(model: DataModel): HashedModel {
  const json = JSON.stringify(model);
  return { hash: createHash('sha256').update(json).digest('hex'), json };
}

function digestOf(
  of: { readonly folder: string; readonly dataModelHash: string | null },
  tasks: readonly { readonly name: string; readonly hash: string; readonly config: TaskConfig }[],
): string {
  const parts = tasks.map((task) => [task.name, task.hash, task.config.timeoutMs, task.config.memoryMb, task.config.maxAttempts, task.config.workerStart]);
  return createHash('sha256').update(JSON.stringify([of.folder, parts, of.dataModelHash])).digest('hex');
}
