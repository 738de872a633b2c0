import type { BrokenTask } from '../core/broken-task.ts';
import type { FolderToKeep, SentFolder } from '../core/kept-folder.ts';
import { defaultRetention, type Retention } from '../core/retention.ts';
import { defaultTaskConfig, type TaskConfig, type TaskLimits } from '../core/task-config.ts';
import { type KeptTask, readKeptTasks } from '../store/broken-tasks.ts';
import type { DeployedFolder } from '../store/contents.ts';
import type { Digests } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { bundleHash } from '../../contents/bundle-hash.ts';
import type { StoredBundle } from '../../contents/stored-bundle.ts';
import type { ExtensionDeployment } from './extension.ts';
import type { DeployableContents, DeployablePackages } from './keep-contents.ts';
import { sha256 } from '../../contents/sha256.ts';

/** A project as it was built: what a deployment is made of. */
export interface DeployableProject {
  readonly folder: string;
  readonly tasks: readonly DeployableTask[];
  /** Tasks that could not be built: they go on with the code that the environment has of them. */
  readonly broken?: readonly BrokenTask[];
  /** What an extension adds to it. */
  readonly extension?: ExtensionDeployment | null;
  /** The packages outside of its bundles. */
  readonly packages?: DeployablePackages | null;
  /** Its files besides the code, by their paths from its folder. */
  readonly files?: FolderToKeep | SentFolder | null;
  readonly config: {
    readonly defaults?: TaskLimits | undefined;
    readonly environments?:
      | Readonly<Record<string, { readonly variables?: Readonly<Record<string, string>> | undefined }>>
      | undefined;
    readonly queues?: Readonly<Record<string, { readonly onRetry?: 'wait' | 'skip' | undefined }>> | undefined;
    readonly retention?: Partial<Retention> | undefined;
  };
}

export type DeployableTask = DeployableBundle & {
  readonly name: string;
  readonly config: Partial<TaskConfig>;
  /** What it needs that only a spawned worker has, if anything. */
  readonly spawnNeed?: string | null;
  /** Its entry, from the project's folder. With packages or files its bundle stands in that place. */
  readonly file?: string;
  /** Packages that are loaded by Node alone. */
  readonly external?: readonly string[];
};

/** One that was stored when it was built, one that was sent to a server before, or one at hand whose hash may not be known yet. */
export type DeployableBundle =
  | StoredBundle
  | BundleInStore
  | { readonly code: string; readonly sourceMap: string; readonly format: 'cjs' | 'esm'; readonly hash?: string };

/** A bundle that the database has, when all is well. */
export interface BundleInStore {
  readonly hash: string;
  readonly format: 'cjs' | 'esm';
  /** Of its code and source map. */
  readonly bytes: number;
  readonly isSent: true;
}

export interface SpawnedTask {
  readonly task: string;
  /** `sharp`, `node:inspector`. */
  readonly need: string;
}

export interface HashedState {
  readonly hash: string;
  readonly json: string;
}

/** A project as an environment would have it. */
export interface DeploymentState {
  readonly environment: string;
  readonly project: DeployableProject;
  readonly tasks: readonly StateTask[];
  /** What an extension adds, as the project has it; null for nothing. */
  readonly added: HashedState | null;
  readonly contents: DeployableContents | null;
  readonly settings: DeploymentSettings;
}

export interface StateTask extends Pick<DeployableTask, 'name' | 'file' | 'external'> {
  readonly config: TaskConfig;
  readonly hash: string;
  readonly bundle: StoredBundle | BundleInStore;
}

/** What a configuration says besides of tasks. */
export interface DeploymentSettings {
  readonly variables: Readonly<Record<string, string>>;
  readonly retention: Retention;
  /** Of the queues that do not wait. */
  readonly policies: ReadonlyMap<string, 'skip'>;
}

export function stateOf(environment: string, project: DeployableProject): DeploymentState {
  const { config } = project;
  const tasks = project.tasks.map((task) => {
    const bundle = 'code' in task ? { ...task, hash: task.hash ?? bundleHash(task) } : task;
    return { ...task, config: configOf(task, config.defaults), hash: bundle.hash, bundle };
  });
  const extensionState = project.extension?.state ?? null;
  const settings: DeploymentSettings = {
    variables: config.environments?.[environment]?.variables ?? {},
    retention: { ...defaultRetention, ...config.retention },
    policies: new Map(
      Object.entries(config.queues ?? {}).flatMap(([name, { onRetry }]) =>
        onRetry === 'skip' ? [[name, onRetry]] : [],
      ),
    ),
  };
  const contents = contentsOf(project);
  const added = extensionState === null ? null : hashedState(extensionState);
  return { environment, project, tasks, added, contents, settings };
}

function contentsOf({ packages = null, files = null }: DeployableProject): DeployableContents | null {
  return packages === null && files === null ? null : { packages, files };
}

/** What tells the state from others there, where the code of broken tasks is what the environment has of them. */
export async function digestsIn(db: Queryable, state: DeploymentState): Promise<Digests> {
  return digestsOf(state, await readKeptTasks(db, state.environment, brokenNames(state)));
}

export function digestsOf(state: DeploymentState, kept: readonly KeptTask[]): Digests {
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
function codeDigest({ tasks: own, added, contents }: DeploymentState, kept: readonly KeptTask[]): string {
  const tasks = kept.length === 0 ? own : [...own, ...kept].sort((left, right) => (left.name < right.name ? -1 : 1));
  const parts = tasks.map((task) => [
    task.name,
    task.hash,
    task.config.timeoutMs,
    task.config.memoryMb,
    task.config.maxAttempts,
    task.config.workerStart,
  ]);
  const code = [parts, added?.hash ?? null];
  const place = placeOf(contents);
  const elsewhere = kept
    .filter((task) => task.stateHash !== (added?.hash ?? null) || JSON.stringify(task.place) !== JSON.stringify(place))
    .map((task) => [task.name, task.stateHash, task.place]);
  const others = elsewhere.length === 0 ? [] : [elsewhere];
  if (contents === null) return digestOf([...code, ...others]);
  const places = tasks.map((task) => [task.file ?? null, [...(task.external ?? [])].sort()]);
  return digestOf([...code, places, place, ...others]);
}

export function brokenNames({ project: { broken = [] } }: DeploymentState): readonly string[] {
  return broken.map(({ name }) => name);
}

export function placeOf(contents: DeployableContents | null): DeployedFolder | null {
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

export function spawnedFor({ name, config, spawnNeed }: DeployableTask): SpawnedTask[] {
  return typeof spawnNeed === 'string' && config.workerStart === undefined ? [{ task: name, need: spawnNeed }] : [];
}

/** What an extension adds, as it is stored. */
export function hashedState(state: unknown): HashedState {
  const json = JSON.stringify(state);
  return { hash: sha256(json), json };
}

function digestOf(parts: unknown): string {
  return sha256(JSON.stringify(parts));
}
