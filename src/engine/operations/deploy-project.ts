import { createHash } from 'node:crypto';
import type { BrokenTask, DeployedBrokenTask } from '../core/broken-task.ts';
import type { Carried } from '../core/carried.ts';
import type { DataModel } from '../../data/model/data-model.ts';
import type { FolderToKeep } from '../core/kept-folder.ts';
import { defaultRetention, type Retention } from '../core/retention.ts';
import { defaultTaskConfig, type TaskConfig, type TaskLimits } from '../core/task-config.ts';
import { type OnProgress, type PreparedTables, withTables } from '../../data/tables/prepare-tables.ts';
import {
  activateDeployment,
  type Digests,
  holdBundles,
  insertBundle,
  insertDataModel,
  insertDeployment,
  insertTasks,
  isCurrent,
  lockEnvironment,
  readCurrentDataModel,
  readReplacement,
  type Replacement,
  setDeploymentFolder,
  setVariables,
} from '../store/deployments.ts';
import {
  insertBrokenTask,
  insertKeptTasks,
  type KeptTask,
  readBrokenTasks,
  readKeptTasks,
} from '../store/broken-tasks.ts';
import type { DeployedFolder } from '../store/contents.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { setRetention } from '../store/prune-runs.ts';
import { retryConflicts } from '../store/retry.ts';
import { setRetryPolicies } from '../store/queues.ts';
import { bundleHash } from '../../project/bundle-hash.ts';
import {
  type CarriedContents,
  ContentsGone,
  type DeployableContents,
  type DeployablePackages,
  keepContents,
  noContents,
  referToContents,
} from './keep-contents.ts';

/** A project as it was built: what a deployment is made of. */
export interface DeployableProject {
  readonly folder: string;
  readonly tasks: readonly DeployableTask[];
  /** Tasks that could not be built: they go on with the code that the environment has of them. */
  readonly broken?: readonly BrokenTask[];
  /** Absent or null for a project without one. */
  readonly dataModel?: DataModel | null;
  /** The packages outside of its bundles. */
  readonly packages?: DeployablePackages | null;
  /** Its files besides the code, by their paths from its folder. */
  readonly files?: FolderToKeep | null;
  readonly config: {
    readonly defaults?: TaskLimits | undefined;
    readonly environments?:
      | Readonly<Record<string, { readonly variables?: Readonly<Record<string, string>> | undefined }>>
      | undefined;
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
  /** Of the three, where it is known. */
  readonly hash?: string;
  /** What it needs that only a spawned worker has, if anything. */
  readonly spawnNeed?: string | null;
  /** Its entry, from the project's folder. With packages or files its bundle stands in that place. */
  readonly file?: string;
  /** Packages that are loaded by Node alone. */
  readonly external?: readonly string[];
}

export type { Replacement } from '../store/deployments.ts';

export interface Deployed extends CarriedContents {
  /** Those whose code is new or as it was; the broken ones that go on with earlier code are among them. By name. */
  readonly tasks: readonly string[];
  /** False when the environment had this very deployment already. */
  readonly changed: boolean;
  /** What else of the configuration became another: `variables`, `retention`, `queues`. */
  readonly settings: readonly string[];
  /** The tasks' bundles: their code and source maps. */
  readonly code: Carried;
  /** Tasks that are not forked, and what each uses that cannot be. */
  readonly spawned: readonly SpawnedTask[];
  readonly broken: readonly DeployedBrokenTask[];
  /** What to tell people of stored values: that the data model hides some, say. */
  readonly notices: readonly string[];
}

export interface SpawnedTask {
  readonly task: string;
  /** `sharp`, `node:inspector`. */
  readonly need: string;
}

/**
 * Makes a built project what an environment's next attempts run, in one transaction; before that, its packages and files are stored, and its tables are brought to the data model.
 * @throws CloudCodeError `files_changed`, `data_model_conflict`, `deploy_blocked`, `deploy_failed`, `database_without_icu`: nothing was deployed
 */
export function deployProject(
  store: Store,
  environment: string,
  project: DeployableProject,
  onProgress: OnProgress = () => undefined,
): Promise<Deployed> {
  const state = stateOf(environment, project);
  return deployState(store, state, onProgress, (db, prepared) => activateState(db, state, prepared));
}

/**
 * The same, unless the environment has had this code (tasks and data model) before and another has replaced it since: a server that starts again with older code leaves
 * the newer one alone. Nothing is changed then.
 * @throws CloudCodeError of `deployProject`
 */
export async function deployUnlessReplaced(
  store: Store,
  environment: string,
  project: DeployableProject,
  onProgress: OnProgress = () => undefined,
): Promise<Deployed | Replacement> {
  const state = stateOf(environment, project);
  const replacement = await readReplacement(store, environment, await digestsIn(store, state));
  if (replacement !== null) return replacement;
  return deployState(store, state, onProgress, async (db, prepared) => {
    await lockEnvironment(db, environment);
    return (await readReplacement(db, environment, await digestsIn(db, state))) ?? activateState(db, state, prepared);
  });
}

/** Whether a project, as it was built, is what the environment's next attempts run. */
export async function isDeployed(store: Store, environment: string, project: DeployableProject): Promise<boolean> {
  return isCurrent(store, environment, await digestsIn(store, stateOf(environment, project)));
}

/** A project as an environment would have it. */
interface State {
  readonly environment: string;
  readonly project: DeployableProject;
  readonly tasks: readonly (Omit<DeployableTask, 'config'> & { readonly config: TaskConfig; readonly hash: string })[];
  readonly dataModel: { readonly hash: string; readonly json: string } | null;
  readonly contents: DeployableContents | null;
  readonly settings: Settings;
}

interface Settings {
  readonly variables: Readonly<Record<string, string>>;
  readonly retention: Retention;
  /** Of the queues that do not wait. */
  readonly policies: ReadonlyMap<string, 'skip'>;
}

function stateOf(environment: string, project: DeployableProject): State {
  const { config } = project;
  const tasks = project.tasks.map((task) => ({
    ...task,
    config: configOf(task, config.defaults),
    hash: task.hash ?? bundleHash(task),
  }));
  const dataModel = (project.dataModel ?? null) === null ? null : hashedModel(project.dataModel as DataModel);
  const settings: Settings = {
    variables: config.environments?.[environment]?.variables ?? {},
    retention: { ...defaultRetention, ...config.retention },
    policies: new Map(
      Object.entries(config.queues ?? {}).flatMap(([name, { onRetry }]) =>
        onRetry === 'skip' ? [[name, onRetry]] : [],
      ),
    ),
  };
  const contents = contentsOf(project);
  return { environment, project, tasks, dataModel, contents, settings };
}

function contentsOf({ packages = null, files = null }: DeployableProject): DeployableContents | null {
  return packages === null && files === null ? null : { packages, files };
}

/** What tells the state from others there, where the code of broken tasks is what the environment has of them. */
async function digestsIn(db: Queryable, state: State): Promise<Digests> {
  return digestsOf(state, await readKeptTasks(db, state.environment, brokenNames(state)));
}

function digestsOf(state: State, kept: readonly KeptTask[]): Digests {
  const {
    project: { broken = [] },
    settings,
  } = state;
  const problems = broken.map(({ name, problem }) => [name, problem]);
  return {
    code: codeDigest(state, kept),
    settings: digestOf([
      settings.variables,
      settings.retention,
      [...settings.policies],
      ...(problems.length === 0 ? [] : [problems]),
    ]),
  };
}

/** A project without packages and files has the digest that it had before there were any, and one whose broken tasks go on as they would be deployed that of what is executed. */
function codeDigest({ tasks: own, dataModel, contents }: State, kept: readonly KeptTask[]): string {
  const tasks = kept.length === 0 ? own : [...own, ...kept].sort((left, right) => (left.name < right.name ? -1 : 1));
  const parts = tasks.map((task) => [
    task.name,
    task.hash,
    task.config.timeoutMs,
    task.config.memoryMb,
    task.config.maxAttempts,
    task.config.workerStart,
  ]);
  const code = [parts, dataModel?.hash ?? null];
  const place = placeOf(contents);
  const elsewhere = kept
    .filter(
      (task) =>
        task.dataModelHash !== (dataModel?.hash ?? null) || JSON.stringify(task.place) !== JSON.stringify(place),
    )
    .map((task) => [task.name, task.dataModelHash, task.place]);
  const others = elsewhere.length === 0 ? [] : [elsewhere];
  if (contents === null) return digestOf([...code, ...others]);
  const places = tasks.map((task) => [task.file ?? null, [...(task.external ?? [])].sort()]);
  return digestOf([...code, places, place, ...others]);
}

function brokenNames({ project: { broken = [] } }: State): readonly string[] {
  return broken.map(({ name }) => name);
}

const maxTries = 3;

/** What was done for a deployment before its transaction. */
interface Prepared {
  /** What was stored. */
  readonly stored: CarriedContents;
  /** Null where there is no data model and was none. */
  readonly tables: PreparedTables | null;
}

/** @param activate in the transaction of the deployment */
async function deployState<Result>(
  store: Store,
  state: State,
  onProgress: OnProgress,
  activate: (db: Queryable, prepared: Prepared) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    const stored = state.contents === null ? noContents : await keepContents(store, state.contents, onProgress);
    try {
      return await withTablesOf(
        store,
        state,
        (what) => onProgress(`data model: ${what}`),
        (tables) => inDeployment(store, (db) => activate(db, { stored, tables })),
      );
    } catch (error) {
      // Nothing was deployed then; they are stored again.
      if (!(error instanceof ContentsGone) || tries === maxTries) throw error;
    }
  }
}

/** A project without a data model has no tables, but may hide those of the one before it. */
async function withTablesOf<Result>(
  store: Store,
  { environment, project: { dataModel = null } }: State,
  onProgress: OnProgress,
  activate: (tables: PreparedTables | null) => Promise<Result>,
): Promise<Result> {
  if (dataModel === null && (await readCurrentDataModel(store, environment)) === null) return activate(null);
  return withTables(store, { environment, dataModel: dataModel ?? { models: [] }, onProgress }, activate);
}

async function inDeployment<Result>(store: Store, activate: (db: Queryable) => Promise<Result>): Promise<Result> {
  const result = await retryConflicts(() => store.transaction(activate));
  // A queue's setting may have changed who is next.
  store.notify();
  return result;
}

async function activateState(db: Queryable, state: State, { stored, tables }: Prepared): Promise<Deployed> {
  const { environment, project, tasks, contents, settings } = state;
  await tables?.rename(db);
  const dataModel = state.dataModel === null || tables === null ? null : hashedModel(tables.dataModel);
  const current = await lockEnvironment(db, environment);
  const kept = await readKeptTasks(db, environment, brokenNames(state));
  const digests = digestsOf(state, kept);
  const changed = current.digest !== digests.code;
  const changedSettings = await applySettings(db, current.id, settings);
  const added: string[] = [];
  if (changed || current.deploymentId === null || current.settingsDigest !== digests.settings) {
    const known = await holdBundles(
      db,
      tasks.map(({ hash }) => hash),
    );
    for (const task of tasks.filter(({ hash }) => !known.has(hash)))
      if (await insertBundle(db, task)) added.push(task.name);
    if (dataModel !== null) await insertDataModel(db, dataModel);
    if (contents !== null) await referToContents(db, contents);
    const deploymentId = await insertDeployment(db, {
      environmentId: current.id,
      digests,
      folder: project.folder,
      dataModelHash: dataModel?.hash ?? null,
      place: placeOf(contents),
    });
    await insertTasks(
      db,
      tasks.map((task) => ({ ...task, bundleHash: task.hash })),
      { deploymentId, environmentId: current.id },
    );
    await insertKeptTasks(db, environment, { deploymentId, names: kept.map(({ name }) => name) });
    for (const task of project.broken ?? []) await insertBrokenTask(db, deploymentId, task);
    await activateDeployment(db, current.id, deploymentId);
  } else {
    await setDeploymentFolder(db, current.deploymentId, project.folder);
  }
  const broken = (project.broken ?? []).length === 0 ? [] : await readBrokenTasks(db, environment);
  return {
    tasks: [...tasks, ...kept].map((task) => task.name).sort(),
    broken,
    changed,
    settings: changedSettings,
    code: codeOf(tasks, added),
    spawned: project.tasks.flatMap(spawnedFor),
    notices: tables?.notices ?? [],
    ...stored,
  };
}

function codeOf(
  tasks: readonly Pick<DeployableTask, 'name' | 'code' | 'sourceMap'>[],
  added: readonly string[],
): Carried {
  const sizes = tasks.map(({ name, code, sourceMap }) => ({
    name,
    bytes: Buffer.byteLength(code) + Buffer.byteLength(sourceMap),
  }));
  return {
    count: sizes.length,
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    added: sizes.filter(({ name }) => added.includes(name)),
  };
}

function placeOf(contents: DeployableContents | null): DeployedFolder | null {
  if (contents === null) return null;
  return {
    treeHash: contents.packages?.tree?.hash ?? null,
    filesHash: contents.files?.hash ?? null,
    projectPath: contents.packages?.projectPath ?? '',
  };
}

/** What the task says itself counts before what it needs, and that before what the project says of all tasks. */
function configOf({ config, spawnNeed }: DeployableTask, defaults: TaskLimits | undefined): TaskConfig {
  const needed = (spawnNeed ?? null) === null ? {} : ({ workerStart: 'spawn' } as const);
  return { ...defaultTaskConfig, ...defaults, ...needed, ...config };
}

function spawnedFor({ name, config, spawnNeed }: DeployableTask): SpawnedTask[] {
  return typeof spawnNeed === 'string' && config.workerStart === undefined ? [{ task: name, need: spawnNeed }] : [];
}

async function applySettings(
  db: Queryable,
  environmentId: number,
  { variables, retention, policies }: Settings,
): Promise<readonly string[]> {
  const changed: string[] = [];
  if (await setVariables(db, environmentId, variables)) changed.push('variables');
  if (await setRetention(db, environmentId, retention)) changed.push('retention');
  if (await setRetryPolicies(db, environmentId, policies)) changed.push('queues');
  return changed;
}

function hashedModel(model: DataModel): { readonly hash: string; readonly json: string } {
  const json = JSON.stringify(model);
  return { hash: createHash('sha256').update(json).digest('hex'), json };
}

function digestOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
