import { CloudCodeError } from '../engine/core/errors.ts';
import {
  type Deployed,
  deployProject,
  deployUnlessReplaced,
  isDeployed,
  type Replacement,
} from '../engine/operations/deploy-project.ts';
import type { Waiting } from '../service/operations/service.ts';
import { listTasks } from '../engine/operations/list-tasks.ts';
import { problemOf } from '../service/api/http-problem.ts';
import type { DeploymentBody, FolderBody } from '../service/api/project.ts';
import { type BrokenTaskBody, toBrokenTaskBody } from '../service/api/tasks.ts';
import type { BuiltProject } from '../project/build-project.ts';
import type { ProjectConfig } from '../project/config.ts';
import type { StandbyBuild } from '../project/build-process/start-build-process.ts';
import type { BuildSeen } from '../project/watch/remember-project.ts';
import type { Change } from '../project/watch/watch-project.ts';
import { chooseWorkerStart } from '../engine/runner/worker-start.ts';
import type { SystemEvent, SystemOptions } from './system.ts';
import { deployable } from './deployable.ts';
import type { Store } from '../engine/store/open-store.ts';
import { hasRunners } from '../engine/store/runners.ts';
import { messageOf } from '../engine/core/thrown.ts';

/** What a runner reads once. */
const runnerSettings = ['concurrency', 'leaseMs', 'workerStart'] as const;

/** The first build of a folder. */
export interface FirstBuild {
  /** Null when nothing is to be deployed, and when the sources are broken, which is told. */
  readonly built: BuiltProject | null;
  readonly error: CloudCodeError | null;
  /** The configuration, for the runner's settings. */
  readonly started: ProjectConfig;
  /** The files that it read or looked for, and when it began. */
  readonly read: readonly string[];
  readonly beganAtMs: number;
}

/** A project's folder as a server serves it: deployed at the start, and in `dev` again when it changes. */
export interface ServedFolder {
  /** What is deployed. */
  readonly tasks: readonly string[];
  /** Whether the folder as it stands could not be deployed at the start. */
  readonly isBroken: boolean;
  /** The tasks that were broken at the start. */
  readonly broken: readonly BrokenTaskBody[];
  /** How the folder stands to what is deployed. A folder that is watched is deployed first when it has changed. */
  look(onStep?: (step: string) => void): Promise<FolderBody>;
  /** Deploys the folder as it stands. Null when the signal ended the build. @throws CloudCodeError of the project and its deployment, `environment_not_found` */
  deploy(environment: string, waiting: Waiting): Promise<DeploymentBody | null>;
  close(): Promise<void>;
}

interface Serving {
  readonly store: Store;
  readonly options: SystemOptions;
  readonly folder: string;
  readonly first: FirstBuild;
}

/** @throws CloudCodeError of the deployment, but in `watch`: it is told then */
export async function serveFolder(serving: Serving): Promise<ServedFolder> {
  const { store, options, first } = serving;
  const deployed = await deployFirst(serving);
  const watched = options.watch ? await watchAndDeploy(serving, deployed) : await compare(serving, deployed);
  return {
    tasks: await deployedTasks(store, options.environment),
    isBroken: (first.error ?? deployed.error) !== null,
    broken: deployed.broken,
    ...watched,
  };
}

interface FirstDeployment {
  readonly error: CloudCodeError | null;
  readonly isKept: boolean;
  readonly broken: readonly BrokenTaskBody[];
}

async function deployFirst(serving: Serving): Promise<FirstDeployment> {
  const {
    store,
    options,
    first: { built, started, error },
  } = serving;
  if (built === null) return { error, isKept: false, broken: [] };
  try {
    const deployed = await deployWhen(store, options, built);
    if ('replacement' in deployed)
      options.onEvent({ kind: 'deployment_kept', ...deployed, tasks: await deployedTasks(store, options.environment) });
    else options.onEvent(describeDeployed(options, deployed, { built, started }));
    const isKept = 'replacement' in deployed;
    return { error: null, isKept, broken: 'replacement' in deployed ? [] : deployed.broken.map(toBrokenTaskBody) };
  } catch (thrown) {
    if (!options.watch || !(thrown instanceof CloudCodeError)) throw thrown;
    options.onEvent({ kind: 'not_deployed', error: thrown });
    return { error: thrown, isKept: false, broken: [] };
  }
}

interface Kept {
  /** Null where others work on the store. */
  readonly replacement: Replacement | null;
}

async function deployWhen(store: Store, options: SystemOptions, built: BuiltProject): Promise<Deployed | Kept> {
  const { environment, deploy } = options;
  const onProgress = (what: string): void => options.onEvent({ kind: 'deploying', what });
  if (deploy === 'if_alone' && (await hasRunners(store)) && !(await isDeployed(store, environment, deployable(built))))
    return { replacement: null };
  if (deploy !== 'unless_replaced') return deployProject(store, environment, deployable(built), onProgress);
  const deployed = await deployUnlessReplaced(store, environment, deployable(built), onProgress);
  return 'replacedAt' in deployed ? { replacement: deployed } : deployed;
}

function describeDeployed(
  options: SystemOptions,
  deployed: Deployed,
  { built, started }: { readonly built: BuiltProject; readonly started: ProjectConfig },
): SystemEvent {
  // Where nothing is forked, it says nothing that a task is spawned.
  const spawned = chooseWorkerStart(built.config.workerStart) === 'fork' ? deployed.spawned : [];
  const afterRestart =
    options.runner === null ? [] : runnerSettings.filter((name) => built.config[name] !== started[name]);
  return { kind: 'deployed', built, ...deployed, spawned, afterRestart };
}

async function deployedTasks(store: Store, environment: string): Promise<readonly string[]> {
  return (await listTasks(store, environment)).map(({ name }) => name);
}

type Looked = Pick<ServedFolder, 'look' | 'deploy' | 'close'>;

interface Again {
  readonly body: DeploymentBody;
  readonly seen: BuildSeen;
}

async function deployAsked(
  { store, options, folder, first, standby }: Serving & { readonly standby?: StandbyBuild },
  environment: string,
  { signal, onStep }: Waiting,
): Promise<Again | null> {
  const { buildApart } = await import('../project/build-process/build-apart.ts');
  const read: string[] = [];
  const beganAtMs = Date.now();
  const built = await buildApart(folder, {
    signal,
    cache: options.data,
    standby,
    onStep,
    onRead: (files) => read.push(...files),
  });
  if (built === null) return null;
  const deployed = await deployProject(store, environment, deployable(built), onStep);
  options.onEvent(describeDeployed(options, deployed, { built, started: first.started }));
  return { body: toDeploymentBody(deployed, { ...built, environment, folder }), seen: { read, beganAtMs } };
}

export function toDeploymentBody(
  { id, changed, settings, tasks, code, packages, files, notices }: Deployed,
  {
    environment,
    folder,
    report,
    computedStarts,
  }: Pick<DeploymentBody, 'environment' | 'folder' | 'report' | 'computedStarts'>,
): DeploymentBody {
  return { id, environment, folder, report, computedStarts, changed, settings, tasks, code, packages, files, notices };
}

async function watchAndDeploy(serving: Serving, deployedFirst: FirstDeployment): Promise<Looked> {
  const { store, options, folder, first } = serving;
  const [{ watchProject }, { buildApart }, { standbyBuild }] = await Promise.all([
    import('../project/watch/watch-project.ts'),
    import('../project/build-process/build-apart.ts'),
    import('../project/build-process/start-build-process.ts'),
  ]);
  const standby = standbyBuild({ folder, cache: options.data });
  let problem: unknown = deployedFirst.error;
  let broken = deployedFirst.broken;
  let known = first.read;
  const waiting = new Set<(step: string) => void>();
  let current: string | null = null;
  const onStep = (step: string): void => {
    current = step;
    options.onEvent({ kind: 'building', step });
    for (const tell of waiting) tell(step);
  };
  const deployAgain = async (_files: readonly string[], { outdated, quiet }: Change): Promise<readonly string[]> => {
    const read: string[] = [];
    try {
      const built = await buildApart(folder, {
        signal: outdated,
        cache: options.data,
        brokenTasks: options.brokenTasks,
        standby,
        onStep,
        onRead: (files) => read.push(...files),
      });
      await quiet;
      if (built === null || outdated.aborted) return (known = [...known, ...read]);
      const deployed = await deployProject(store, options.environment, deployable(built), (what) =>
        options.onEvent({ kind: 'deploying', what }),
      );
      problem = null;
      broken = deployed.broken.map(toBrokenTaskBody);
      options.onEvent(describeDeployed(options, deployed, { built, started: first.started }));
      return (known = read);
    } catch (error) {
      // It may have met a file that was half written.
      await quiet;
      if (outdated.aborted) return (known = [...new Set([...known, ...read])]);
      problem = error;
      options.onEvent({
        kind: 'not_deployed',
        error,
        goesOn: await deployedTasks(store, options.environment).catch(() => []),
      });
      // It may have ended before it had read everything.
      return (known = [...new Set([...known, ...read])]);
    } finally {
      current = null;
      standby.prepare();
      options.onEvent({ kind: 'building', step: null });
    }
  };
  const watch = await watchProject({
    folder,
    built: first,
    onChange: deployAgain,
    onBlind: (error, everyMs) => options.onEvent({ kind: 'not_watched', error, everyMs }),
  });
  standby.prepare();
  return {
    look: async (tell = () => undefined) => {
      waiting.add(tell);
      if (current !== null) tell(current);
      await watch.settle().finally(() => waiting.delete(tell));
      return {
        isWatched: true,
        isKept: false,
        changed: [],
        problem: problem === null ? null : problemOf(asRefusal(problem)),
        broken,
      };
    },
    deploy: async (environment, waiting) => {
      const again = await deployAsked({ ...serving, standby }, environment, waiting).finally(() => standby.prepare());
      if (again === null) return null;
      problem = null;
      broken = [];
      return again.body;
    },
    close: async () => {
      await watch.close();
      await standby.close();
    },
  };
}

function asRefusal(error: unknown): CloudCodeError {
  return error instanceof CloudCodeError ? error : new CloudCodeError('internal', messageOf(error));
}

/** Compares the folder with what it was when it was built. */
async function compare(serving: Serving, deployedFirst: FirstDeployment): Promise<Looked> {
  const { options, folder, first } = serving;
  const { rememberProject } = await import('../project/watch/remember-project.ts');
  const isServed = options.http !== null && first.built !== null;
  let { isKept } = deployedFirst;
  let changes: () => Promise<readonly string[]> = isServed ? await rememberProject(folder, first) : async () => [];
  return {
    look: async () => ({ isWatched: false, isKept, changed: await changes(), problem: null, broken: [] }),
    deploy: async (environment, waiting) => {
      const again = await deployAsked(serving, environment, waiting);
      if (again === null) return null;
      isKept = false;
      changes = await rememberProject(folder, again.seen);
      return again.body;
    },
    close: async () => undefined,
  };
}
