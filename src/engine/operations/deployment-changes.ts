import { countUnfinished, readDeployment } from '../store/list-deployments.ts';
import type { Store } from '../store/open-store.ts';
import type { DeployableProject, DeploymentState } from './deployment-state.ts';
import { stateOf } from './deployment-state.ts';
import type { ExtensionPlan } from './extension.ts';
import { findEnvironment } from './environments.ts';
import { readCurrentDeploymentId } from '../store/environments.ts';

/** What a deployment changes of what is active, by name. */
export interface DeploymentChanges {
  readonly tasks: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    /** With how many unfinished runs each has: they are executed with the newest code that there is of it. */
    readonly removed: readonly { readonly task: string; readonly runs: number }[];
  };
  readonly packages: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly files: boolean;
  /** Of what an extension adds. */
  readonly data: ExtensionPlan;
}

/** What would be deployed, as far as it can be compared. */
export interface Comparable {
  readonly tasks: readonly { readonly name: string; readonly bundleHash: string; readonly config: object }[];
  readonly packages: readonly string[];
  readonly filesHash: string | null;
  readonly data: ExtensionPlan;
}

/** Compares with what is active in the environment. @throws CloudCodeError `environment_not_found` */
export async function changesTo(store: Store, environment: string, next: Comparable): Promise<DeploymentChanges> {
  const id = await readCurrentDeploymentId(store, await findEnvironment(store, environment));
  const current = id === null ? null : await readDeployment(store, environment, id);
  const before = new Map((current?.taskList ?? []).map((task) => [task.name, task]));
  const names = new Set(next.tasks.map(({ name }) => name));
  const removed = [...before.keys()].filter((name) => !names.has(name));
  const counts = removed.length === 0 ? [] : await countUnfinished(store, environment, removed);
  const changed = next.tasks.filter(({ name, bundleHash, config }) => {
    const task = before.get(name);
    return task !== undefined && (task.bundleHash !== bundleHash || !isSameConfig(task.config, config));
  });
  return {
    tasks: {
      added: next.tasks.map(({ name }) => name).filter((name) => !before.has(name)),
      changed: changed.map(({ name }) => name),
      removed: removed.map((task) => ({ task, runs: counts.find((each) => each.task === task)?.runs ?? 0 })),
    },
    packages: {
      added: without(next.packages, current?.packages ?? []),
      removed: without(current?.packages ?? [], next.packages),
    },
    files: (current?.place?.filesHash ?? null) !== next.filesHash,
    data: next.data,
  };
}

/** Of a project. */
export async function projectChanges(
  store: Store,
  environment: string,
  project: DeployableProject,
): Promise<DeploymentChanges> {
  const state = stateOf(environment, project);
  const data = (await project.extension?.plan(store, environment)) ?? nothing;
  return changesTo(store, environment, { ...comparable(state), data });
}

const nothing: ExtensionPlan = { steps: [], notices: [] };

function comparable({ tasks, contents }: DeploymentState): Omit<Comparable, 'data'> {
  return {
    tasks: tasks.map(({ name, hash, config }) => ({ name, bundleHash: hash, config })),
    packages: (contents?.packages?.folders ?? []).map(({ name }) => name),
    filesHash: contents?.files?.hash ?? null,
  };
}

function isSameConfig(stored: object, next: object): boolean {
  const limits = ['timeoutMs', 'memoryMb', 'maxAttempts', 'workerStart'] as const;
  const of = (config: object): unknown[] => limits.map((name) => (config as Record<string, unknown>)[name] ?? null);
  return JSON.stringify(of(stored)) === JSON.stringify(of(next));
}

function without(names: readonly string[], others: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => !others.includes(name)).sort();
}
