import type { DeployedBrokenTask } from '../core/broken-task.ts';
import type { Carried } from '../core/carried.ts';
import { insertBrokenTask, insertKeptTasks, readBrokenTasks, readKeptTasks } from '../store/broken-tasks.ts';
import {
  activateDeployment,
  holdBundles,
  insertBundle,
  insertDeployment,
  insertExtensionState,
  insertTasks,
  isCurrent,
  readReplacement,
  type Replacement,
  setDeploymentFolder,
  setVariables,
} from '../store/deployments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { setRetention } from '../store/prune-runs.ts';
import { setRetryPolicies } from '../store/queues.ts';
import { retryConflicts } from '../store/retry.ts';
import { bytesOf, readBundleText } from '../../contents/stored-bundle.ts';
import {
  brokenNames,
  type DeployableProject,
  type DeploymentSettings,
  type DeploymentState,
  digestsIn,
  digestsOf,
  hashedState,
  placeOf,
  type SpawnedTask,
  spawnedFor,
  stateOf,
  type StateTask,
} from './deployment-state.ts';
import { lockToChange, refuseToChange } from './environments.ts';
import type { OnProgress, PreparedExtension } from './extension.ts';
import {
  type CarriedContents,
  ContentsGone,
  keepContents,
  noContents,
  partsMissing,
  referToContents,
} from './keep-contents.ts';

export type { DeployableProject, DeployableTask } from './deployment-state.ts';
export type { Replacement } from '../store/deployments.ts';

export interface Deployed extends CarriedContents {
  /** Of the deployment that is active now. */
  readonly id: string;
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
  /** What an extension has to tell people. */
  readonly notices: readonly string[];
}

/**
 * Makes a built project what an environment's next attempts run, in one transaction; before that, its packages and files are stored, and its extension is prepared.
 * @throws CloudCodeError `environment_not_found`, `environment_deleting`, `files_changed`, and those of its extension: nothing was deployed
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
 * The same, unless the environment has had this code (tasks and extension state) before and another has replaced it since: a server that starts again with older code leaves
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
    await lockToChange(db, environment);
    return (await readReplacement(db, environment, await digestsIn(db, state))) ?? activateState(db, state, prepared);
  });
}

/** Whether a project, as it was built, is what the environment's next attempts run. */
export async function isDeployed(store: Store, environment: string, project: DeployableProject): Promise<boolean> {
  return isCurrent(store, environment, await digestsIn(store, stateOf(environment, project)));
}

const maxTries = 3;

/** What was done for a deployment before its transaction. */
interface Prepared {
  /** What was stored. */
  readonly stored: CarriedContents;
  /** Null where there is no extension. */
  readonly extension: PreparedExtension | null;
}

/** @param activate in the transaction of the deployment */
async function deployState<Result>(
  store: Store,
  state: DeploymentState,
  onProgress: OnProgress,
  activate: (db: Queryable, prepared: Prepared) => Promise<Result>,
): Promise<Result> {
  await refuseToChange(store, state.environment);
  for (let tries = 1; ; tries += 1) {
    const stored = state.contents === null ? noContents : await keepContents(store, state.contents, onProgress);
    try {
      const deploy = (extension: PreparedExtension | null): Promise<Result> =>
        inDeployment(store, (db) => activate(db, { stored, extension }));
      const { environment, project } = state;
      return await (project.extension?.deploy(store, { environment, onProgress }, deploy) ?? deploy(null));
    } catch (error) {
      // Nothing was deployed then; they are stored again.
      if (!(error instanceof ContentsGone) || tries === maxTries) throw error;
    }
  }
}

/** Carries out the transaction of a deployment. */
export async function inDeployment<Result>(
  store: Store,
  activate: (db: Queryable) => Promise<Result>,
): Promise<Result> {
  const result = await retryConflicts(() => store.transaction(activate));
  // A queue's setting may have changed who is next.
  store.notify();
  return result;
}

async function activateState(
  db: Queryable,
  state: DeploymentState,
  { stored, extension }: Prepared,
): Promise<Deployed> {
  const { environment, project, tasks, contents, settings } = state;
  await extension?.begin(db);
  const added = state.added === null || extension === null ? null : hashedState(extension.state);
  const current = await lockToChange(db, environment);
  const kept = await readKeptTasks(db, environment, brokenNames(state));
  const digests = digestsOf(state, kept);
  const changed = current.digest !== digests.code;
  const changedSettings = await applySettings(db, current.id, settings);
  const newBundles: string[] = [];
  let id = current.deploymentId;
  if (changed || id === null || current.settingsDigest !== digests.settings) {
    const known = await holdBundles(
      db,
      tasks.map(({ hash }) => hash),
    );
    // One after the other: no more than one is read.
    for (const { name, hash, bundle } of tasks.filter((task) => !known.has(task.hash))) {
      if ('isSent' in bundle) throw partsMissing([`the code of ${name}`]);
      const text = await readBundleText(bundle);
      if (await insertBundle(db, { hash, format: bundle.format, ...text })) newBundles.push(name);
    }
    if (added !== null) await insertExtensionState(db, added);
    if (contents !== null) await referToContents(db, contents);
    const deploymentId = await insertDeployment(db, {
      environmentId: current.id,
      digests,
      settings: { ...settings, policies: [...settings.policies] },
      folder: project.folder,
      stateHash: added?.hash ?? null,
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
    id = deploymentId;
  } else {
    await setDeploymentFolder(db, id, project.folder);
  }
  const broken = (project.broken ?? []).length === 0 ? [] : await readBrokenTasks(db, environment);
  return {
    id,
    tasks: [...tasks, ...kept].map((task) => task.name).sort(),
    broken,
    changed,
    settings: changedSettings,
    code: codeOf(tasks, newBundles),
    spawned: project.tasks.flatMap(spawnedFor),
    notices: extension?.notices ?? [],
    ...stored,
  };
}

function codeOf(tasks: readonly StateTask[], added: readonly string[]): Carried {
  const sizes = tasks.map(({ name, bundle }) => ({ name, bytes: 'isSent' in bundle ? bundle.bytes : bytesOf(bundle) }));
  return {
    count: sizes.length,
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    added: sizes.filter(({ name }) => added.includes(name)),
  };
}

/** @returns what has changed */
export async function applySettings(
  db: Queryable,
  environmentId: number,
  { variables, retention, policies }: DeploymentSettings,
): Promise<readonly string[]> {
  const changed: string[] = [];
  if (await setVariables(db, environmentId, variables)) changed.push('variables');
  if (await setRetention(db, environmentId, retention)) changed.push('retention');
  if (await setRetryPolicies(db, environmentId, policies)) changed.push('queues');
  return changed;
}
