import { type Environment, type ModelRun, type State, wakeAt } from './state.ts';

// Who may be claimed: of each queue one run at most, its front.

export interface QueueName {
  readonly environment: Environment;
  readonly name: string;
}

export function settingsOf(
  { queues }: State,
  { environment, name }: QueueName,
): { readonly paused: boolean; readonly onRetry: 'wait' | 'skip' } {
  return (
    queues.find((queue) => queue.environment === environment && queue.name === name) ?? {
      paused: false,
      onRetry: 'wait',
    }
  );
}

/**
 * Puts the right run at the front. Called when a run has left the queue's line or come back to it, and when its settings were written. As time alone moves nobody, a front that was
 * right stays: in a queue set to `skip` a run whose back-off is over since waits for the next such change.
 */
export function settleQueue(state: State, queue: QueueName): void {
  const line = state.runs.filter((run) => run.environment === queue.environment && run.queue === queue.name);
  const running = line.find((run) => run.state === 'running');
  const { paused, onRetry } = settingsOf(state, queue);
  const [first] = line
    .filter((run) => run.state === 'queued')
    .toSorted((a, b) => (onRetry === 'skip' ? whoIsDue(state.now, a, b) : 0) || inOrder(a, b));
  const front = running ?? (paused ? undefined : first);
  for (const run of line) run.isFront = run === front;
}

/** A new run goes to the front when nobody is there, or when it comes before the one that waits there. */
export function placeNewRun(state: State, run: ModelRun): void {
  if (run.queue === null) {
    run.isFront = true;
    return;
  }
  const { paused, onRetry } = settingsOf(state, { environment: run.environment, name: run.queue });
  if (paused) return;
  const front = state.runs.find(
    (each) => each !== run && each.isFront && each.environment === run.environment && each.queue === run.queue,
  );
  if (front?.state === 'running') return;
  run.isFront =
    front === undefined || ((onRetry === 'skip' ? whoIsDue(state.now, run, front) : 0) || inOrder(run, front)) < 0;
  if (run.isFront && front !== undefined) front.isFront = false;
}

/** Promise 8: by due time, then by the order of scheduling. */
function inOrder(a: ModelRun, b: ModelRun): number {
  return a.dueAt - b.dueAt || a.number - b.number;
}

/** In a queue set to `skip`, those that could start now go first; of the others, whoever can start first. */
function whoIsDue(now: number, a: ModelRun, b: ModelRun): number {
  const [waitA, waitB] = [a, b].map((run) => (wakeAt(run) > now ? wakeAt(run) : 0));
  return (waitA ?? 0) - (waitB ?? 0);
}
