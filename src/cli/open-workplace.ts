import { type Backend, resultOf } from '../client/backend.ts';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { SystemEvent } from '../main/system.ts';
import { type Problem } from '../service/api/http-problem.ts';
import { errorOfProblem } from '../engine/core/problem.ts';
import { type FolderBody, project } from '../service/api/project.ts';
import type { BrokenTaskBody } from '../service/api/tasks.ts';
import type { GlobalOptions } from './invocation.ts';
import { describeBroken, describeCode } from './describe-broken.ts';
import { findTarget, resolveBackend } from './resolve-backend.ts';
import type { Deployable } from './schedule-or-deploy.ts';
import { escapeText } from './terminal/escape-text.ts';

/** Where `run` has its run executed: by a server's runner, or by one of its own. */
export interface Workplace {
  readonly backend: Backend;
  /** Of an own runner. */
  readonly deployable: Deployable | null;
  /** Lets an own runner finish what it has claimed. */
  finish(): Promise<void>;
  /** Has an own runner give back what it is still at, and closes what was opened. */
  close(): Promise<void>;
}

interface Opening {
  readonly onEvent: (event: SystemEvent) => void;
  readonly tell: (line: string) => void;
  /** What is to be run: when it is broken as it stands, nothing is opened. */
  readonly task: string;
  /** Gets what a server's build of the folder is at. */
  readonly onStep: (step: string) => void;
  /** Ends the build of the folder. */
  readonly signal: AbortSignal;
}

/**
 * A server that serves the project, or without one a runner in this process on the project's store, with the folder deployed as it stands.
 * A database that other runners work on keeps its deployment. Outside a project there is no folder to work with, so others must.
 * What is executed is the folder as it stands, or it is told that it is not.
 * @returns null when the signal ended the build of the folder
 * @throws CloudCodeError of the folder, also where a server has found it
 */
export async function openWorkplace(
  global: GlobalOptions,
  { onEvent, tell, task, onStep, signal }: Opening,
): Promise<Workplace | null> {
  const target = await findTarget(global);
  if (target.kind === 'server' || target.folder === null) {
    const { backend, close } = await resolveBackend(global);
    if (target.kind === 'server' && target.servesFolder === true) {
      const folder = await resultOf(backend.follow(project.lookAtFolder, {}, signal), onStep);
      if (folder === null) return null;
      refuseBrokenFolder(folder);
      refuseBrokenTask(folder.broken ?? [], { task, tell });
      tellStale(tell, folder);
    }
    return { backend, deployable: null, finish: async () => undefined, close };
  }
  const [{ startSystem, untilAllIsDone }, { storeBackend }] = await Promise.all([
    import('../main.ts'),
    import('./store-backend.ts'),
  ]);
  const system = await startSystem({
    folder: target.folder,
    data: global.data,
    databaseUrl: target.kind === 'database' ? target.url : undefined,
    environment: global.environment,
    masterKey: global.masterKey,
    http: null,
    runner: { concurrency: undefined, leaseMs: undefined },
    watch: false,
    brokenTasks: 'pass_over',
    deploy: target.kind === 'database' ? 'if_alone' : 'always',
    onEvent,
    signal,
  });
  if (system === null) return null;
  try {
    refuseBrokenTask(system.broken, { task, tell });
  } catch (error) {
    await system.stop({ drainMs: 0 });
    throw error;
  }
  return {
    backend: storeBackend(system.store, global.environment),
    deployable: {
      store: system.store,
      folder: system.folder,
      environment: global.environment,
      isShared: target.kind === 'database',
    },
    finish: () => system.drain({ drainMs: untilAllIsDone }),
    close: () => system.stop({ drainMs: 0 }),
  };
}

/** The server goes on with the last good deployment: whoever runs a task after a save wants that, and not what was before it. */
function refuseBrokenFolder({ problem }: FolderBody): void {
  if (problem !== null)
    throw withAdvice(
      problem,
      'Nothing was scheduled: the folder as it stands could not be deployed, and the server goes on with the last good deployment (`cloudcode schedule` schedules a run of that).',
    );
}

/** Others that are broken are told: the task may schedule runs of them. */
function refuseBrokenTask(broken: readonly BrokenTaskBody[], { task, tell }: Pick<Opening, 'task' | 'tell'>): void {
  const own = broken.find(({ name }) => name === task);
  if (own === undefined) return describeBroken(broken).forEach(tell);
  const rest =
    own.goesOn === null
      ? 'there is no good code of it.'
      : `it goes on with ${describeCode(own.goesOn)} (\`cloudcode schedule\` schedules a run of that).`;
  throw withAdvice(own.problem, `Nothing was scheduled: the task as it stands is broken, and ${rest}`);
}

function withAdvice(problem: Problem, advice: string): CloudCodeError {
  const refusal = errorOfProblem(problem) ?? new CloudCodeError('internal', problem.detail);
  return new CloudCodeError(refusal.code, refusal.message, {
    hint: refusal.hint === undefined ? advice : `${refusal.hint}\n${advice}`,
    cause: refusal,
  });
}

const maxNamed = 5;

function tellStale(tell: (line: string) => void, { changed, isKept }: FolderBody): void {
  if (isKept)
    tell(
      'The server has left alone what others have deployed: this executes that, not the folder as it stands. To deploy the folder: cloudcode deploy',
    );
  else if (changed.length > 0) {
    const named = changed.slice(0, maxNamed).map(escapeText).join(', ');
    const more = changed.length > maxNamed ? ` and ${changed.length - maxNamed} more` : '';
    tell(
      `This executes the folder as it was when the server started. Changed since: ${named}${more}. To deploy that: cloudcode deploy. Or work with \`cloudcode dev\`, which deploys what changes.`,
    );
  }
}
