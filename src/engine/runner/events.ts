import type { ErrorRecord } from '../core/errors.ts';
import type { OperationEvent } from '../core/operation-events.ts';
import type { LogLine, Outcome } from '../core/run.ts';
import { counted } from '../core/counted.ts';
import { messageOf } from '../core/thrown.ts';
import type { WrongRow } from '../store/check-store.ts';

/** What a runner tells of its work, and operations of theirs. One subscriber makes log lines of it; they themselves never log. */
export type RunnerEvent =
  | OperationEvent
  | {
      readonly kind: 'runner_started';
      readonly runnerId: string;
      readonly concurrency: number;
      readonly containment: string;
    }
  | { readonly kind: 'fork_server_ready'; readonly memoryMb: number }
  | {
      readonly kind: 'attempt_started';
      readonly runId: string;
      readonly task: string;
      readonly attempt: number;
      readonly pid: number;
      readonly bundleHash: string;
    }
  | {
      readonly kind: 'attempt_ended';
      readonly runId: string;
      readonly task: string;
      readonly attempt: number;
      readonly outcome: Outcome;
      readonly error: ErrorRecord | null;
      /** What its run is now, or why its end was not stored. */
      readonly next: string;
      readonly tookMs: number;
    }
  | { readonly kind: 'line_printed'; readonly runId: string; readonly task: string; readonly line: LogLine }
  | { readonly kind: 'runs_rescued'; readonly count: number }
  | { readonly kind: 'runs_pruned'; readonly count: number }
  | { readonly kind: 'deployments_pruned'; readonly count: number }
  /** Once an hour, by one runner: how many rows of what is derived from the runs were wrong. */
  | { readonly kind: 'store_checked'; readonly wrong: number; readonly tookMs: number }
  /** What can be claimed was not as the runs are: it is now. */
  | { readonly kind: 'store_mended'; readonly wrong: readonly WrongRow[] }
  | { readonly kind: 'lease_lost' }
  /** Its machine cannot start runs: it claims nothing until a probe works. */
  | { readonly kind: 'runner_unfit'; readonly reason: string }
  | { readonly kind: 'runner_fit' }
  /** Nothing more is claimed, and the end of the worker's attempt not stored, until `kill_succeeded`. It is tried again, and the guard was asked to do it. */
  | { readonly kind: 'kill_failed'; readonly workerId: string; readonly error: unknown }
  | { readonly kind: 'kill_succeeded'; readonly workerId: string }
  | { readonly kind: 'draining'; readonly running: number }
  | { readonly kind: 'trouble'; readonly what: string; readonly error: unknown };

export type OnEvent = (event: RunnerEvent) => void;

/** An event as one line of text. */
export function describeEvent(event: RunnerEvent): string {
  switch (event.kind) {
    case 'runner_started':
      return `runner ${event.runnerId} started: ${event.concurrency} runs at once, processes held by ${event.containment}`;
    case 'runs_scheduled':
      return describeScheduled(event);
    case 'deployment_activated':
      return event.restores === null
        ? `${event.environment}: deployment ${event.id} is active, with ${counted(event.tasks, 'task')}`
        : `${event.environment}: deployment ${event.id} is active, which brings back ${event.restores}`;
    case 'run_cancelled':
      return `run ${event.runId} cancelled`;
    case 'cancel_requested':
      return `run ${event.runId} is to be cancelled: it ends when its processes are gone`;
    case 'run_retried':
      return `run ${event.runId} retried: it has a new set of attempts`;
    case 'queue_paused':
      return `queue ${event.queue} paused`;
    case 'queue_resumed':
      return `queue ${event.queue} resumed`;
    case 'fork_server_ready':
      return `workers of tasks with memoryMb ${event.memoryMb} are forked from now on`;
    case 'attempt_started':
      return `${event.task} ${event.runId} attempt ${event.attempt} started (pid ${event.pid})`;
    case 'attempt_ended':
      return `${event.task} ${event.runId} attempt ${event.attempt} ${event.outcome} after ${Math.round(event.tookMs)} ms: ${event.next}`;
    case 'line_printed':
      return `${event.task} ${event.runId} ${event.line.level}: ${event.line.message}`;
    case 'runs_rescued':
      return `${counted(event.count, 'run')} taken back from runners that are gone`;
    case 'runs_pruned':
      return `${counted(event.count, 'finished run')} pruned (retention)`;
    case 'deployments_pruned':
      return `${counted(event.count, 'old deployment')} pruned`;
    case 'store_checked':
      return `the store was checked in ${Math.round(event.tookMs)} ms: ${event.wrong === 0 ? 'all is as the runs are' : `${counted(event.wrong, 'row')} not`}`;
    case 'store_mended':
      return `the tables of what can be claimed were mended: ${event.wrong.length} ${event.wrong.length === 1 ? 'row was' : 'rows were'} not as the runs are (${describeWrong(event.wrong)})`;
    case 'lease_lost':
      return 'the lease could not be renewed in time: all workers were ended';
    case 'runner_unfit':
      return `this machine cannot start runs, and claims none until it can: ${event.reason}`;
    case 'runner_fit':
      return 'this machine can start runs again';
    case 'kill_failed':
      return `worker ${event.workerId} could not be ended yet: ${messageOf(event.error)}. It is tried again; until it is known to be gone its queue waits, and nothing more is claimed`;
    case 'kill_succeeded':
      return `worker ${event.workerId}, which could not be ended before, is gone`;
    case 'draining':
      return `draining: ${counted(event.running, 'run')} to finish`;
    case 'trouble':
      return `${event.what}: ${messageOf(event.error)}`;
  }
}

function describeWrong(wrong: readonly WrongRow[]): string {
  const first = wrong.slice(0, 3).map(({ problem, queue, runId }) => {
    const where = [queue === null ? '' : ` of queue ${queue}`, runId === null ? '' : ` ${runId}`].join('');
    return `${problem}:${where}`;
  });
  return `${first.join('; ')}${wrong.length > 3 ? '; …' : ''}`;
}

function describeScheduled({ runs, scheduledBy }: Extract<RunnerEvent, { kind: 'runs_scheduled' }>): string {
  const by = scheduledBy === null ? '' : ` by run ${scheduledBy}`;
  const [first] = runs;
  if (runs.length === 1 && first !== undefined) return `${first.task} ${first.id} scheduled${by}`;
  return `${runs.length} runs of ${[...new Set(runs.map(({ task }) => task))].join(', ')} scheduled${by}`;
}
