import type { ErrorRecord } from '../core/errors.ts';
import type { Outcome } from '../core/run.ts';
import type { AnswerMessage, StoppingMessage } from '../protocol/from-worker.ts';
import type { WorkerExit } from './worker-exit.ts';

/** Why the runner stopped waiting for an attempt. */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly answer: AnswerMessage }
  | { readonly kind: 'exited' }
  | { readonly kind: 'timed_out'; readonly timeoutMs: number; readonly stack: string | null }
  | { readonly kind: 'over_memory'; readonly bytes: number; readonly processes: number; readonly memoryMb: number }
  | { readonly kind: 'cancelled'; readonly why: string }
  | { readonly kind: 'lost'; readonly why: string };

export interface EndedProcess {
  readonly exit: WorkerExit;
  readonly stopping: StoppingMessage | null;
  /** The end of its standard error. */
  readonly errorTail: string;
  readonly memoryMb: number;
  /** It ended before it could read what it was to run. */
  readonly isUnloaded?: boolean;
}

export interface DescribedEnd {
  readonly outcome: Outcome;
  readonly error: ErrorRecord | null;
  readonly resultJson: string | null;
  readonly isMachineFault?: true;
}

/** The outcome of an attempt, and why in words. */
export function describeEnd(end: AttemptEnd, process: EndedProcess): DescribedEnd {
  switch (end.kind) {
    case 'answered':
      return { outcome: end.answer.outcome, error: end.answer.error, resultJson: end.answer.resultJson };
    case 'timed_out':
      return withoutResult(
        'timed_out',
        'TimedOut',
        `The attempt took longer than its timeout of ${end.timeoutMs} ms.`,
        end.stack,
      );
    case 'over_memory':
      return withoutResult(
        'out_of_memory',
        'OutOfMemory',
        `The attempt's processes (${end.processes}) used ${mebibytes(end.bytes)} MB of memory; the task's memoryMb is ${end.memoryMb}.`,
      );
    case 'cancelled':
      return withoutResult('cancelled', 'Cancelled', end.why);
    case 'lost':
      return withoutResult('lost', 'AttemptLost', end.why);
    case 'exited':
      return describeUnasked(process);
  }
}

/** Why an attempt ended that came to no code of its task, by a fault of the machine. */
export function describeMachineFault(why: string): DescribedEnd & { readonly isMachineFault: true } {
  return {
    ...withoutResult('lost', 'AttemptLost', `The attempt could not be started: ${why} (it does not count)`),
    isMachineFault: true,
  };
}

function describeUnasked(process: EndedProcess): DescribedEnd {
  if (process.stopping?.reason === 'bundle_gone')
    return describeMachineFault(process.stopping.error?.message ?? 'the bundle is gone');
  const described = describeExit(process);
  // A heap that is too small to load in is the task's own limit, on every machine.
  if (process.isUnloaded !== true || described.outcome === 'out_of_memory') return described;
  return describeMachineFault(
    `its worker ended with ${String(process.exit.signal ?? process.exit.code)} and had not loaded`,
  );
}

function describeExit({ exit, stopping, errorTail, memoryMb }: EndedProcess): DescribedEnd {
  if (exit.signal !== null) {
    if (isHeapAbort(errorTail)) {
      return withoutResult(
        'out_of_memory',
        'OutOfMemory',
        `The JavaScript heap reached its limit: the task's memoryMb is ${memoryMb}.`,
      );
    }
    return withoutResult(
      'killed',
      'Killed',
      `The process was ended by the signal ${exit.signal}, which the runner did not send.`,
    );
  }
  const code = exit.code ?? 0;
  const detail = stopping?.error;
  switch (stopping?.reason) {
    case 'uncaught_exception':
      return withProperties(
        withoutResult(
          'exited',
          'UncaughtException',
          `An exception that nothing caught ended the process: ${titleOf(detail)}`,
          detail?.stack,
        ),
        detail,
      );
    case 'unhandled_rejection':
      return withProperties(
        withoutResult(
          'exited',
          'UnhandledRejection',
          `A rejected promise that nothing handled ended the process: ${titleOf(detail)}`,
          detail?.stack,
        ),
        detail,
      );
    case 'ran_empty':
      return withoutResult(
        'exited',
        'RanEmpty',
        'The event loop ran empty while `run` had not settled: it waits for something that can never come, such as a promise that nothing resolves.',
      );
    case 'exit':
      return withoutResult(
        'exited',
        'ProcessExit',
        `process.exit(${code}) was called before \`run\` had answered.`,
        detail?.stack,
      );
    case 'bundle_gone':
    case undefined:
      return isHeapAbort(errorTail)
        ? withoutResult(
            'out_of_memory',
            'OutOfMemory',
            `The JavaScript heap reached its limit: the task's memoryMb is ${memoryMb}.`,
          )
        : withoutResult('exited', 'Exited', `The process ended with exit code ${code} before \`run\` had answered.`);
  }
}

// V8 prints this before it aborts: `OnFatalError` and `OOMErrorHandler` in Node's src/node_errors.cc.
function isHeapAbort(errorTail: string): boolean {
  const reasons = errorTail.split('\n').flatMap((line) => line.split('FATAL ERROR:').slice(1));
  return (
    reasons.some((reason) => /heap|memory|allocation/i.test(reason)) ||
    /JavaScript heap out of memory|OOM error in V8/i.test(errorTail)
  );
}

function titleOf(error: ErrorRecord | null | undefined): string {
  return error === null || error === undefined ? 'unknown' : `${error.name}: ${error.message}`;
}

function withProperties(end: DescribedEnd, detail: ErrorRecord | null | undefined): DescribedEnd {
  return end.error === null || detail?.properties === undefined
    ? end
    : { ...end, error: { ...end.error, properties: detail.properties } };
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function withoutResult(outcome: Outcome, name: string, message: string, stack: string | null = null): DescribedEnd {
  return { outcome, error: { name, message, stack }, resultJson: null };
}
