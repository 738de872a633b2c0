import { maskerOf } from '../core/mask.ts';
import type { AnswerMessage, FromAttempt, StoppingMessage } from '../protocol/from-worker.ts';
import type { StartMessage } from '../protocol/to-worker.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import { deleteLogLines } from '../store/end-attempt.ts';
import type { AttemptContext } from './attempt-context.ts';
import { attemptFolders } from './attempt-folders.ts';
import { type AttemptEnd, describeEnd } from './attempt-end.ts';
import { collectOutput, isIn } from './collect-output.ts';
import { mapSampledStack } from './map-sampled-stack.ts';
import { flushOutput } from './flush-output.ts';
import { recordPid } from './record-pid.ts';
import { sampleStack } from './sample-stack.ts';
import { storeAnswerMeanwhile } from './store-answer.ts';
import { storeEnd } from './store-end.ts';
import type { TaskCode } from './task-code.ts';
import { watchMemory } from './watch-memory.ts';
import { within } from './within.ts';
import type { WorkerProcess } from './worker-process.ts';
import { messageOf } from '../core/thrown.ts';

/** Why a runner ends an attempt. */
export type AttemptStop = Extract<AttemptEnd, { kind: 'cancelled' | 'lost' }> & { readonly cancelRequested: boolean };

/** An attempt under way. */
export interface RunningAttempt {
  readonly runId: string;
  /** Ends it: somebody cancelled the run, or the runner drains or lost its lease. */
  end(stop: AttemptStop): void;
  /** Resolves with true when its worker has begun with the run, and with false when it never will. */
  readonly begun: Promise<boolean>;
  /** Resolves before its end is stored: with the fault of the machine that kept it from beginning, else null. */
  readonly fault: Promise<string | null>;
  /** Resolves when its processes are gone: another attempt may begin in their place. */
  readonly gone: Promise<void>;
  /** Resolves when its processes are gone and its end is stored. */
  readonly done: Promise<void>;
}

/** How long a process may go on after SIGTERM. */
const termGraceMs = 500;
/** How long a worker that has answered may take to exit. */
const exitGraceMs = 50;
/** How long one may take that ends in order, or keeps its compiled code (once for each bundle, and some 50 ms for 10 MB where nothing else runs). */
const orderlyGraceMs = 2_000;
/** How long what the processes wrote last may take to arrive after they are gone. */
const lastOutputMs = 1000;
const stackSampleMs = 1000;
/** The same where the machine is so busy that the worker hardly gets to run: at a load of 65 on two processors a second was too short. */
const maxStackSampleMs = 5000;

/** How every attempt of a runner ends whose lease has expired. */
export const leaseLost: AttemptStop = {
  kind: 'lost',
  why: 'The runner could not renew its lease in time.',
  cancelRequested: false,
};

/** Executes one attempt of a claimed run in a worker, and stores how it ended. */
export function executeAttempt(
  run: ClaimedRun,
  worker: WorkerProcess,
  code: TaskCode,
  context: AttemptContext,
): RunningAttempt {
  const began = performance.now();
  const ended = Promise.withResolvers<AttemptEnd>();
  /** Resolves when a worker that has answered may take no more time to exit. */
  const cut = Promise.withResolvers<undefined>();
  const gone = Promise.withResolvers<undefined>();
  const fault = Promise.withResolvers<string | null>();
  let stopping: StoppingMessage | null = null;
  let ownPeakBytes = 0;
  let cancelRequested = false;
  const masker = maskerOf(run.secrets);
  const output = collectOutput((line) => {
    flusher.schedule();
    context.onEvent({
      kind: 'line_printed',
      runId: run.id,
      task: run.task,
      line: { at: line.at, attempt: run.attempt, level: line.level, message: line.message },
    });
  }, masker);
  const flusher = flushOutput(run, context, {
    take: output.take,
    onSuperseded: () => endBy({ kind: 'lost', why: 'Another attempt has taken over.' }),
  });

  const calls = context.answerCalls(run, {
    store: context.callStore,
    state: code.state,
    worker,
    onOutdated: ({ message, hint = '' }) => endBy({ kind: 'lost', why: `${message} ${hint}` }),
    onUnreadable: channelLost,
  });

  worker.listen({
    message(message: FromAttempt) {
      switch (message.type) {
        case 'lines':
          return output.addText(message.level, message.at, message.text);
        case 'cut':
          return output.addCut(message);
        case 'call':
          return calls.answer(message);
        case 'stopping':
          stopping = { ...message, error: masker.error(message.error) };
          ownPeakBytes = message.peakMemoryBytes;
          return;
        case 'answer':
          ownPeakBytes = message.peakMemoryBytes;
          calls.refuse();
          return ended.resolve({ kind: 'answered', answer: { ...message, error: masker.error(message.error) } });
      }
    },
    output: (stream, chunk) => output.addChunk(stream, chunk),
    channelLost,
  });
  let isClosed = false;
  let isEnding = false;
  void worker.closed.then(() => {
    isClosed = true;
    ended.resolve({ kind: 'exited' });
  });
  let timeout: NodeJS.Timeout | undefined;
  // The time that a worker takes to load is not its task's.
  void worker.loaded.then((isLoaded) => {
    if (isLoaded && !isEnding) timeout = setTimeout(() => void timeOut(), run.timeoutMs);
  });
  const stopRecording = recordPid(context.store, { runId: run.id, fence: run.fence, pid: worker.pid });
  const memory = watchMemory(worker.container, run.memoryMb, (used) =>
    endBy({ kind: 'over_memory', ...used, memoryMb: run.memoryMb }),
  );

  /** An answer stands whatever comes after it. */
  function endBy(end: AttemptEnd): void {
    ended.resolve(end);
    if (isEnding) cut.resolve(undefined);
  }

  function channelLost(): void {
    setTimeout(endWithoutChannel, 200).unref();
  }

  // A process that has ended may not be closed yet: what it started can hold its output open.
  function endWithoutChannel(): void {
    // One that has not loaded yet is about to end.
    if (worker.hasLoaded || worker.hasExited)
      ended.resolve(
        worker.hasExited
          ? { kind: 'exited' }
          : { kind: 'lost', why: 'The connection between the worker and its runner was lost.' },
      );
  }

  async function timeOut(): Promise<void> {
    // A forked worker has no thread that would open the inspector.
    const stack = worker.isForked ? null : await stackNow().catch(trouble('its stack could not be read'));
    ended.resolve({ kind: 'timed_out', timeoutMs: run.timeoutMs, stack: stack ?? null });
  }

  async function stackNow(): Promise<string | null> {
    const stack = await sampleStack({
      pid: worker.pid,
      onStderr: (listener) => worker.onStderr(listener),
      timeoutMs: stackSampleMs,
      maxMs: maxStackSampleMs,
    });
    return stack === null ? null : masker.text(mapSampledStack(stack, code.files));
  }

  // A worker that the guard ended at the deadline did not end by itself.
  async function endOf(): Promise<AttemptEnd> {
    const end = await ended.promise;
    return end.kind === 'exited' && !context.holdsLease() ? leaseLost : end;
  }

  /** What goes wrong on the way to an attempt's end must not keep that from being stored. */
  function trouble(what: string): (error: unknown) => undefined {
    return (error) => {
      context.onEvent({ kind: 'trouble', what: `run ${run.id}: ${what}`, error });
      return undefined;
    };
  }

  async function execute(): Promise<void> {
    // Asked at the last instant: a runner that was stopped since it claimed the run finds its workers ended, and must not start another.
    if (context.holdsLease()) {
      try {
        worker.start(startMessage(run, code, context), run.parametersJson);
        context.onEvent({
          kind: 'attempt_started',
          runId: run.id,
          task: run.task,
          attempt: run.attempt,
          pid: worker.pid,
          bundleHash: run.bundleHash,
        });
      } catch (error) {
        // Part of the message may have been sent: the worker is ended as any other.
        ended.resolve({
          kind: 'lost',
          why: `The worker could not be started: ${messageOf(error)}`,
        });
      }
    } else {
      ended.resolve(leaseLost);
    }
    const end = await endOf();
    isEnding = true;
    clearTimeout(timeout);
    stopRecording();
    if (end.kind !== 'answered') memory.stop({ lookAgain: end.kind !== 'exited' });
    if (end.kind === 'timed_out' || end.kind === 'cancelled')
      await askToEnd(worker).catch(trouble('its worker could not be asked to end'));
    const stopStoring = end.kind === 'answered' ? storeAnswerMeanwhile(run, end.answer, context) : null;
    // Once it has answered it is on its way out: to wait for that costs less than to kill it.
    if (end.kind === 'answered') await within(graceOf(end.answer), Promise.race([worker.exited, cut.promise]));
    if (end.kind === 'answered') memory.stop({ lookAgain: false });
    const exit = await worker.end().finally(stopStoring);
    gone.resolve(undefined);
    await calls.close().catch(trouble('its calls could not be finished'));
    await within(lastOutputMs, worker.closed);
    const unwritten = await flusher.stop().catch(trouble('its log could not be stored'));
    const { lines, leftOut } = output.finish();
    if (leftOut !== null)
      await deleteLogLines(context.store, { runId: run.id, number: run.attempt }, leftOut).catch(
        trouble('its log could not be shortened'),
      );
    // Node that exits in order and has not loaded was started with variables that it cannot start with.
    const isUnloaded = isClosed && !worker.hasLoaded && (worker.startVariables === '' || exit.signal !== null);
    const described = describeEnd(end, {
      exit,
      stopping,
      errorTail: output.errorTail(),
      memoryMb: run.memoryMb,
      isUnloaded,
    });
    fault.resolve(described.isMachineFault === true ? (described.error?.message ?? null) : null);
    const next = await storeEnd(context, run.queue, {
      gone: exit.gone,
      runId: run.id,
      task: run.task,
      fence: run.fence,
      number: run.attempt,
      attemptLimit: run.attemptLimit,
      ...described,
      cancelRequested,
      exitCode: exit.code,
      signal: exit.signal,
      pid: worker.pid,
      peakMemoryBytes: Math.max(memory.peakBytes(), ownPeakBytes) || null,
      lines: [...(unwritten ?? []).filter(({ number }) => !isIn(leftOut, number)), ...lines],
    });
    const tookMs = performance.now() - began;
    context.onEvent({
      kind: 'attempt_ended',
      runId: run.id,
      task: run.task,
      attempt: run.attempt,
      outcome: described.outcome,
      error: described.error,
      next,
      tookMs,
    });
  }

  return {
    runId: run.id,
    end(stop) {
      cancelRequested ||= stop.cancelRequested;
      endBy(stop);
    },
    begun: worker.loaded,
    fault: fault.promise,
    gone: gone.promise,
    done: execute(),
  };
}

function startMessage(
  run: ClaimedRun,
  code: TaskCode,
  { folder, extension }: Pick<AttemptContext, 'folder' | 'extension'>,
): StartMessage {
  const { id, task, environment, queue, attempt, maxAttempts, fence, scheduledBy } = run;
  return {
    type: 'start',
    run: { id, task, environment, queue, attempt, maxAttempts, fence, scheduledBy },
    ...attemptFolders(run, code, folder),
    external: run.external ?? [],
    variables: JSON.parse(run.variablesJson) as Record<string, string>,
    extension: extension === null ? null : { ...extension, state: code.state },
  };
}

function graceOf({ keepsCode, endsInOrder }: AnswerMessage): number {
  return keepsCode || endsInOrder ? orderlyGraceMs : exitGraceMs;
}

/** SIGTERM, and a short while to heed it. */
async function askToEnd(worker: WorkerProcess): Promise<void> {
  worker.container.signal('SIGTERM');
  await within(termGraceMs, worker.exited);
}
