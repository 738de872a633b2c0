import { maskerOf } from '../core/mask.ts';
import { messageOf } from '../core/thrown.ts';
import {
  answerCheck,
  type CheckProblem,
  type ClaimedCheck,
  claimCheck,
  releaseCheck,
  touchCheck,
} from '../store/deployment-checks.ts';
import type { Store } from '../store/open-store.ts';
import { readVariables } from '../store/variables.ts';
import type { OpenVariables } from '../store/kept-facts.ts';
import type { ReplyMessage, StartMessage, WorkerExtension } from '../protocol/to-worker.ts';
import type { AnswerMessage } from '../protocol/from-worker.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';
import { attemptFolders } from './attempt-folders.ts';
import { readTaskCode, type TaskCodeSources } from './task-code.ts';
import { watchMemory } from './watch-memory.ts';
import { needOf } from './worker-need.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { WorkerProcess } from './worker-process.ts';

interface Checking {
  readonly store: Store;
  readonly runnerId: string;
  readonly pool: WorkerPool;
  readonly code: TaskCodeSources;
  readonly openVariables: OpenVariables;
  readonly extension: Omit<WorkerExtension, 'state'> | null;
  /** Whether its machine can start runs, and it may. */
  readonly mayStart: () => boolean;
  readonly onError: (error: unknown) => void;
}

const loadWithinMs = 30_000;
const againMs = 500;
/** As long as there is nobody to tell it of another. */
const nothingToDo = Infinity;

const refused: NonNullable<ReplyMessage['error']> = {
  code: 'run_answered',
  message: 'This is no run: the task is loaded, to see whether it can be, before it is deployed.',
  isRefusal: false,
};

/** Loads the tasks of deployments to come, one after the other, when it is woken. */
export function startCheckingDeployments(checking: Checking): IntervalLoop {
  const stopping = new AbortController();
  const loop = startLoop({
    async turn() {
      if (stopping.signal.aborted || !checking.mayStart()) return nothingToDo;
      const check = await claimCheck(checking.store, checking.runnerId);
      if (check === null) return nothingToDo;
      await carryOut(checking, check, stopping.signal);
      // There may be more; one that is left to others is theirs for a while.
      return againMs;
    },
    onError(error) {
      checking.onError(error);
      return nothingToDo;
    },
  });
  const stop = (): Promise<void> => {
    stopping.abort();
    return loop.stop();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}

/** What this machine cannot do is no fault of the deployment: it is left to another runner. */
async function carryOut(checking: Checking, check: ClaimedCheck, stopping: AbortSignal): Promise<void> {
  const { store } = checking;
  let isDone = false;
  try {
    isDone = await loadAll(checking, check, stopping);
  } finally {
    if (!isDone) await releaseCheck(store, check.id);
  }
}

/** @returns whether it has been answered, or nobody waits for it */
async function loadAll(checking: Checking, check: ClaimedCheck, stopping: AbortSignal): Promise<boolean> {
  const { store, openVariables } = checking;
  const stored = await readVariables(store, check.environmentId);
  if (stored === null) return true;
  // Those of the deployment to come, with what was set one by one.
  const variables = openVariables({ ...stored, configured: check.variables });
  if (variables.keyFault !== null) return false;
  const problems: CheckProblem[] = [];
  const unchecked: string[] = [];
  for (const [index, task] of check.tasks.entries()) {
    if (!(await touchCheck(store, check.id, index))) return true;
    const found = await load(checking, check, { task, stopping, ...variables });
    // Its worker may have been ended for that, and not by what the task does.
    if (stopping.aborted || !checking.mayStart()) return false;
    if (found === 'asked') unchecked.push(task.name);
    else if (found !== null) problems.push({ task: task.name, message: found });
  }
  await answerCheck(store, check.id, { problems, unchecked });
  return true;
}

interface Loading {
  readonly task: ClaimedCheck['tasks'][number];
  /** Ends it: what is found out then says nothing of the task. */
  readonly stopping: AbortSignal;
  readonly variablesJson: string;
  readonly secrets: readonly string[];
}

/** @returns what is wrong with it, `asked` when it has asked for something, which is refused, or null */
async function load(
  { pool, code, extension }: Checking,
  { environment, stateHash, place }: ClaimedCheck,
  { task, stopping, variablesJson, secrets }: Loading,
): Promise<string | null> {
  const masker = maskerOf(secrets);
  let worker: WorkerProcess | null = null;
  try {
    const of = { ...task, task: task.name, environment, stateHash, place, folder: '' };
    const found = await readTaskCode(of, code);
    worker = await pool.take(needOf({ ...task, variablesJson }));
    const { folder, workingFolder, bundle } = attemptFolders(of, found, null);
    const start: StartMessage = {
      type: 'start',
      loadOnly: true,
      run: {
        id: '00000000-0000-0000-0000-000000000000',
        task: task.name,
        environment,
        queue: null,
        attempt: 1,
        maxAttempts: 1,
        fence: '0',
        scheduledBy: null,
      },
      bundle,
      folder,
      workingFolder,
      external: task.external ?? [],
      variables: JSON.parse(variablesJson) as Record<string, string>,
      extension: extension === null ? null : { ...extension, state: found.state },
    };
    const { answer, hasAsked, why } = await answerOf(worker, start, { memoryMb: task.memoryMb, stopping });
    if (answer?.outcome === 'returned') return null;
    if (hasAsked) return 'asked';
    if (answer === null) return why;
    const error = masker.error(answer.error);
    if (error === null) return 'it threw something that is no error';
    const at = error.stack?.split('\n').find((line) => /^\s+at /.test(line));
    return `${error.name}: ${error.message}${at === undefined ? '' : `\n${at}`}`;
  } catch (error) {
    if (error instanceof DeploymentDamaged) return messageOf(error);
    throw error;
  } finally {
    await worker?.end();
  }
}

interface Answered {
  readonly answer: AnswerMessage | null;
  readonly hasAsked: boolean;
  /** Why there is no answer. */
  readonly why: string;
}

async function answerOf(
  worker: WorkerProcess,
  start: StartMessage,
  { memoryMb, stopping }: { readonly memoryMb: number; readonly stopping: AbortSignal },
): Promise<Answered> {
  let hasAsked = false;
  const done = Promise.withResolvers<Pick<Answered, 'answer' | 'why'>>();
  const without = (why: string): void => done.resolve({ answer: null, why });
  const tail: string[] = [];
  worker.listen({
    message(message) {
      if (message.type === 'answer') done.resolve({ answer: message, why: '' });
      if (message.type !== 'call') return;
      hasAsked = true;
      worker.reply(message.call, { error: refused });
    },
    output(stream, chunk) {
      if (stream === 'stderr') tail.splice(0, tail.length - 3, chunk.toString());
    },
    channelLost: () => undefined,
  });
  void worker.closed.then(({ code, signal }) =>
    without(`its process ended while it was loaded (${signal ?? `exit code ${code}`})${tailOf(tail)}`),
  );
  const memory = watchMemory(worker.container, memoryMb, () => without(`it takes more than ${memoryMb} MB to load`));
  const stop = (): void => without('the runner stopped');
  stopping.addEventListener('abort', stop);
  // It may have been stopped while the task's files were laid out.
  if (stopping.aborted) stop();
  const timer = setTimeout(() => without(`it was not loaded within ${loadWithinMs / 1_000} s`), loadWithinMs);
  try {
    worker.start(start, '{}');
    return { ...(await done.promise), hasAsked };
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', stop);
    memory.stop({ lookAgain: false });
  }
}

function tailOf(tail: readonly string[]): string {
  const text = tail.join('').trim().slice(-500);
  return text === '' ? '' : `:\n${text}`;
}
