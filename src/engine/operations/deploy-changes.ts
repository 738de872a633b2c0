import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../store/open-store.ts';
import { type Deployed, deployProject } from './deploy-project.ts';
import { type DeploymentChanges, projectChanges } from './deployment-changes.ts';
import type { DeployableProject } from './deployment-state.ts';
import { checkDeployment, type DeploymentCheck } from './check-deployment.ts';
import { type DeploymentState, placeOf, stateOf } from './deployment-state.ts';
import { findEnvironment } from './environments.ts';
import { readCurrentDeploymentId } from '../store/environments.ts';
import { type DeploymentParts, readDeployment } from '../store/list-deployments.ts';
import { cancelWaitingOf } from './deployments.ts';
import type { OnProgress } from './extension.ts';

export interface DeployHow {
  /** Nothing is changed. */
  readonly dryRun?: boolean | undefined;
  /** Runs that wait of tasks that go away are cancelled. */
  readonly cancelRemoved?: boolean | undefined;
  /** Ends the check and the cancelling. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export interface DeployedChanges {
  readonly changes: DeploymentChanges;
  /** Null after a dry run, and where the signal ended it before. */
  readonly deployed: Deployed | null;
  /** Null after a dry run, and where the project was not sent: it was built where it is deployed. */
  readonly check: DeploymentCheck | null;
  readonly cancelledRuns: number;
}

/** Deploys a project, and tells what that changes of what was active. @throws CloudCodeError of deployProject */
export async function deployChanges(
  store: Store,
  environment: string,
  project: DeployableProject,
  { dryRun = false, cancelRemoved = false, signal, onProgress }: DeployHow,
): Promise<DeployedChanges> {
  onProgress('comparing with what is active');
  const changes = await projectChanges(store, environment, project);
  if (dryRun) return { changes, check: null, deployed: null, cancelledRuns: 0 };
  const state = stateOf(environment, project);
  const check = isSent(state) ? await checkNew(store, state, { changes, signal, onProgress }) : null;
  // Nobody waits for it any more: what was not begun is not.
  if (signal.aborted) return { changes, check, deployed: null, cancelledRuns: 0 };
  onProgress('deploying');
  const deployed = await deployProject(store, environment, project, onProgress);
  const { id, tasks } = deployed;
  if (deployed.changed || deployed.settings.length > 0)
    store.onEvent({ kind: 'deployment_activated', environment, id, tasks: tasks.length, restores: null });
  const removed = changes.tasks.removed.map(({ task }) => task);
  const cancelledRuns = cancelRemoved
    ? await cancelWaitingOf(store, environment, { tasks: removed, signal, onProgress })
    : 0;
  return { changes, check, deployed, cancelledRuns };
}

/** What is active already was loaded before: where packages, files and variables are the same, only tasks that are new or changed are. */
async function checkNew(
  store: Store,
  state: DeploymentState,
  { changes: { tasks }, ...waiting }: Pick<DeployHow, 'signal' | 'onProgress'> & Pick<DeployedChanges, 'changes'>,
): Promise<DeploymentCheck> {
  const active = await readActive(store, state.environment);
  const isSame =
    isDeepStrictEqual(active?.place ?? null, placeOf(state.contents)) &&
    isDeepStrictEqual(active?.settings.variables, state.settings.variables);
  const fresh = new Set([...tasks.added, ...tasks.changed]);
  const externalOf = new Map(active?.taskList.map(({ name, external }) => [name, external ?? []]));
  const toLoad = state.tasks.filter(
    ({ name, external = [] }) => !isSame || fresh.has(name) || !isDeepStrictEqual(externalOf.get(name), [...external]),
  );
  return checkDeployment(store, { ...state, tasks: toLoad }, waiting);
}

async function readActive(store: Store, environment: string): Promise<DeploymentParts | null> {
  const id = await readCurrentDeploymentId(store, await findEnvironment(store, environment));
  return id === null ? null : readDeployment(store, environment, id);
}

function isSent({ tasks }: DeploymentState): boolean {
  return tasks.some(({ bundle }) => 'isSent' in bundle);
}
