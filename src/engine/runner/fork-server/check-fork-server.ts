import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CheckAnswer } from '../../fork-server/check-task.ts';
import { packageRoot } from '../../../package-root.ts';
import type { AnswerMessage } from '../../protocol/from-worker.ts';
import type { StartMessage } from '../../protocol/to-worker.ts';
import type { Containment } from '../containment/containment.ts';
import { within } from '../within.ts';
import { WorkerProcess } from '../worker-process.ts';
import type { ForkServerProcess } from './fork-server-process.ts';

const checkFile = join(packageRoot, 'dist/fork-check.cjs');
const answerWithinMs = 5_000;

interface Checked {
  readonly server: ForkServerProcess;
  readonly containment: Containment;
  readonly folder: string;
}

const exitCode = 7;

/** Has two workers of a fork server say what they are and draw random numbers, and another one exit. Rejects with what is wrong. */
export async function checkForkServer(checked: Checked): Promise<void> {
  const [first, second] = await Promise.all([ask(checked), ask(checked), seeExit(checked)]);
  const answers = [first, second];
  const drawn = answers.flatMap(({ random }) => random);
  if (new Set(drawn).size !== drawn.length) throw new Error('two of its workers drew the same random numbers');
}

async function seeExit(checked: Checked): Promise<void> {
  await using worker = await startWorker(checked);
  worker.start(startMessage(checked.folder), JSON.stringify({ exitCode }));
  await within(answerWithinMs, worker.exited);
  const exit = worker.hasExited ? await worker.exited : null;
  if (exit?.code !== exitCode)
    throw new Error(`a worker that exited with ${exitCode} ended with ${String(exit?.signal ?? exit?.code)}`);
}

async function ask(checked: Checked): Promise<CheckAnswer> {
  await using worker = await startWorker(checked);
  const answer = await answerOf(worker, checked.folder);
  const { pid, kernelPid, childPpid } = answer;
  if (pid !== worker.pid || kernelPid !== worker.pid || childPpid !== worker.pid)
    throw new Error(`worker ${worker.pid} took itself for ${pid}`);
  await within(answerWithinMs, worker.exited);
  if (!worker.hasExited || (await worker.exited).code !== 0)
    throw new Error('a worker that had answered did not end in order');
  return answer;
}

async function startWorker({ server, containment }: Checked): Promise<WorkerProcess> {
  const worker = new WorkerProcess({
    memoryMb: 0,
    isForked: true,
    startVariables: '',
    containment,
    start: (id) => server.fork(id),
  });
  await worker.ready;
  return worker;
}

async function answerOf(worker: WorkerProcess, folder: string): Promise<CheckAnswer> {
  const answered = Promise.withResolvers<AnswerMessage | null>();
  worker.listen({
    message: (message) => message.type === 'answer' && answered.resolve(message),
    output: () => undefined,
    channelLost: () => answered.resolve(null),
  });
  worker.start(startMessage(folder), '{}');
  const timer = setTimeout(() => answered.resolve(null), answerWithinMs);
  const answer = await answered.promise;
  clearTimeout(timer);
  if (answer?.outcome !== 'returned' || answer.resultJson === null)
    throw new Error(`a worker did not answer${answer?.error ? `: ${answer.error.message}` : ''}`);
  return JSON.parse(answer.resultJson) as CheckAnswer;
}

function startMessage(folder: string): StartMessage {
  const run = {
    id: randomUUID(),
    task: 'check',
    environment: 'check',
    queue: null,
    attempt: 1,
    maxAttempts: 1,
    fence: '0',
    scheduledBy: null,
  };
  const bundle = {
    path: checkFile,
    sourceMapPath: `${checkFile}.map`,
    compiledFolder: `${checkFile}.compiled`,
    format: 'cjs',
    base: checkFile,
    packagesFolder: null,
  } as const;
  return { type: 'start', run, bundle, folder, workingFolder: folder, external: [], variables: {}, extension: null };
}
