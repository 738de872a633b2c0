import { CloudCodeError } from '../core/errors.ts';
import { holdContents } from '../store/contents.ts';
import { activateDeployment, holdBundles, insertExtensionState } from '../store/deployments.ts';
import {
  copyDeployment,
  type DeploymentParts,
  type DeploymentRow,
  readDeployment,
  readDeployments,
  readWaitingOf,
} from '../store/list-deployments.ts';
import type { Store } from '../store/open-store.ts';
import { cancel } from './cancel-run.ts';
import { applySettings, inDeployment } from './deploy-project.ts';
import { changesTo, type DeploymentChanges } from './deployment-changes.ts';
import { hashedState } from './deployment-state.ts';
import { findEnvironment, lockToChange } from './environments.ts';
import type { OnProgress, PreparedExtension, ReadDeployedState } from './extension.ts';
import { refusePageSize } from './page-size.ts';

const deploymentsPageSize = 100;
/** As PostgreSQL's bigint has it. */
const validId = /^\d{1,18}$/;

export interface DeploymentPage {
  readonly deployments: readonly DeploymentRow[];
  /** Absent at the end. */
  readonly nextCursor?: string;
}

/** Newest first. @throws CloudCodeError `environment_not_found`, `invalid_filter` */
export async function listDeployments(
  store: Store,
  environment: string,
  {
    limit = deploymentsPageSize,
    cursor,
  }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): Promise<DeploymentPage> {
  refusePageSize(limit, deploymentsPageSize);
  if (cursor !== undefined && !validId.test(cursor))
    throw new CloudCodeError('invalid_filter', `\`cursor\` is ${JSON.stringify(cursor)}, which no page gave.`);
  await findEnvironment(store, environment);
  const found = await readDeployments(store, environment, { before: cursor ?? null, limit: limit + 1 });
  const deployments = found.slice(0, limit);
  const last = deployments.at(-1);
  return found.length > limit && last !== undefined ? { deployments, nextCursor: last.id } : { deployments };
}

/** @throws CloudCodeError `deployment_not_found`, `environment_not_found` */
export async function getDeployment(store: Store, environment: string, id: string): Promise<DeploymentParts> {
  await findEnvironment(store, environment);
  const found = validId.test(id) ? await readDeployment(store, environment, id) : null;
  if (found !== null) return found;
  throw new CloudCodeError(
    'deployment_not_found',
    `There is no deployment ${JSON.stringify(id.slice(0, 100))} in the environment \`${environment}\`.`,
    { hint: 'See which there are: cloudcode deployments' },
  );
}

interface Activating {
  readonly environment: string;
  readonly id: string;
  readonly readState: ReadDeployedState;
}

export interface ActivationPlan {
  readonly deployment: DeploymentRow;
  readonly changes: DeploymentChanges;
}

/** What bringing an earlier deployment back would change. @throws CloudCodeError as activateEarlier */
export async function planActivation(store: Store, activating: Activating): Promise<ActivationPlan> {
  const { parts, extension } = await read(store, activating);
  const data = parts.active ? { steps: [], notices: [] } : await extension.plan(store, activating.environment);
  const changes = await changesTo(store, activating.environment, {
    tasks: parts.taskList,
    packages: parts.packages,
    filesHash: parts.place?.filesHash ?? null,
    data,
  });
  return { deployment: rowOf(parts), changes };
}

export interface Activated {
  /** The one that is active now: it is made of the same, and `restores` it. */
  readonly deployment: DeploymentRow;
  /** False when it was active already. */
  readonly changed: boolean;
  /** What else became another: `variables`, `retention`, `queues`. */
  readonly settings: readonly string[];
  readonly notices: readonly string[];
}

/**
 * Brings an earlier deployment back, with the settings of its configuration: the next attempts run it. It becomes the newest, so that the list tells what was active when.
 * @throws CloudCodeError `deployment_not_found`, `deployment_pruned`, `environment_not_found`, `environment_deleting`, and those of the extension, where the data does not fit
 */
export async function activateEarlier(
  store: Store,
  activating: Activating,
  onProgress: OnProgress,
): Promise<Activated> {
  const { environment } = activating;
  const { parts, extension } = await read(store, activating);
  if (parts.active) return { deployment: rowOf(parts), changed: false, settings: [], notices: [] };
  const done = await extension.deploy(store, { environment, onProgress }, (prepared) =>
    activate(store, parts, { environment, prepared }),
  );
  store.onEvent({
    kind: 'deployment_activated',
    environment,
    id: done.id,
    tasks: parts.taskList.length,
    restores: parts.id,
  });
  const deployment = rowOf(await getDeployment(store, environment, done.id));
  return { deployment, changed: true, settings: done.settings, notices: done.notices };
}

function activate(
  store: Store,
  parts: DeploymentParts,
  { environment, prepared }: { readonly environment: string; readonly prepared: PreparedExtension },
): Promise<{ readonly id: string; readonly settings: readonly string[]; readonly notices: readonly string[] }> {
  return inDeployment(store, async (db) => {
    await prepared.begin(db);
    const current = await lockToChange(db, environment);
    const added = parts.state === null ? null : hashedState(prepared.state);
    // While they are held, nothing of what it is made of is pruned.
    await holdBundles(db, []);
    await holdContents(db, []);
    if (added !== null) await insertExtensionState(db, added);
    const id = await copyDeployment(db, { id: parts.id, stateHash: added?.hash ?? null });
    if (id === null) throw pruned(parts.id);
    const { policies, ...rest } = parts.settings;
    const settings = await applySettings(db, current.id, { ...rest, policies: new Map(policies) });
    await activateDeployment(db, current.id, id);
    return { id, settings, notices: prepared.notices };
  });
}

async function read(store: Store, { environment, id, readState }: Activating) {
  const parts = await getDeployment(store, environment, id);
  if (parts.tasks === null) throw pruned(id);
  const names = parts.taskList.map(({ name }) => name);
  return { parts, extension: await readState(parts.state, names) };
}

function pruned(id: string): CloudCodeError {
  return new CloudCodeError(
    'deployment_pruned',
    `What deployment ${id} was made of is gone: the newest ten are kept, and those that unfinished runs need.`,
    { hint: 'Deploy its sources again.' },
  );
}

function rowOf({ id, createdAt, active, restores, folder, tasks }: DeploymentParts): DeploymentRow {
  return { id, createdAt, active, restores, folder, tasks };
}

const cancelledAtOnce = 500;

/** Cancels the runs that wait of tasks that are not deployed any more. @returns how many */
export async function cancelWaitingOf(
  store: Store,
  environment: string,
  {
    tasks,
    signal,
    onProgress,
  }: { readonly tasks: readonly string[]; readonly signal: AbortSignal; readonly onProgress: OnProgress },
): Promise<number> {
  let cancelled = 0;
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped() && tasks.length > 0) {
    const ids = await readWaitingOf(store, environment, { tasks, limit: cancelledAtOnce });
    if (ids.length === 0) break;
    for (const id of ids) {
      if (isStopped()) break;
      await cancel(store, environment, id).then(
        () => (cancelled += 1),
        (error: unknown) => {
          // It began and ended meanwhile, or somebody else has cancelled or pruned it.
          const code = error instanceof CloudCodeError ? error.code : null;
          if (code !== 'run_already_final' && code !== 'run_not_found') throw error;
        },
      );
    }
    onProgress(`cancelling runs of tasks that are gone: ${cancelled}`);
  }
  return cancelled;
}
