import type { AnswerOutcome, Outcome } from '../../src/engine/core/run.ts';
import { placeNewRun, type QueueName, settleQueue } from './front.ts';
import { isValid, runnerOf } from './leases.ts';
import {
  attemptsOf,
  emptyState,
  type Environment,
  environments,
  isActive,
  type ModelAttempt,
  type ModelQueue,
  type ModelRun,
  type RunnerName,
  type State,
  type Task,
  wakeAt,
} from './state.ts';

/** One run that is asked for; `dueAt` by the database's clock. */
export interface Request {
  readonly id: string;
  readonly environment: Environment;
  /** `nope` is none. */
  readonly task: Task | 'nope';
  readonly queue: string | null;
  readonly key: string | null;
  readonly dueAt: number;
}

export type DataOperation =
  | { readonly do: 'insert' | 'update'; readonly piece: string; readonly text: string }
  | { readonly do: 'destroy'; readonly piece: string }
  | { readonly do: 'destroy_all' }
  | { readonly do: 'schedule'; readonly runs: readonly Request[] };

export type Next = 'succeeded' | 'failed' | 'dead' | 'cancelled' | 'scheduled' | 'queued' | 'superseded';

const isSchedule = (operation: DataOperation): boolean => operation.do === 'schedule';

/** What the store cannot be asked to do; the code of the error. */
export class Refusal extends Error {}

/**
 * What the store must do, told once more and as simply as can be: lists, loops and copies. It shares no code with the product. Each method changes the state and gives the answer
 * that the product's operation must give. Only what chance decides is told to it: ids, fencing tokens and the jitter of a back-off.
 */
export class Model {
  state: State = emptyState();

  run(name: string): ModelRun {
    const run = this.state.runs.find((each) => each.name === name);
    if (run === undefined) throw new Error(`the model has no ${name}`);
    return run;
  }

  holds({ run, fence }: ModelAttempt): boolean {
    const { state, fence: newest } = this.run(run);
    return state === 'running' && newest === fence;
  }

  /** @returns the run's name, or the one of the run that has its key */
  schedule(request: Request, scheduledBy: string | null = null): { readonly name: string; readonly isNew: boolean } {
    const { task, environment, key } = request;
    if (task === 'nope') throw new Refusal('unknown_task');
    const sameKey = this.state.runs.find(
      (run) => key !== null && run.key === key && run.task === task && run.environment === environment && isActive(run),
    );
    const existing = sameKey ?? this.state.runs.find(({ id }) => id === request.id);
    if (existing !== undefined) return { name: existing.name, isNew: false };
    const number = this.state.runs.length + 1;
    const run: ModelRun = {
      ...request,
      task,
      number,
      name: `run ${number}`,
      scheduledBy,
      state: 'queued',
      retryAt: null,
      startedAt: null,
      finishedAt: null,
      attemptCount: 0,
      attemptLimit: attemptsOf[task],
      cancelRequested: false,
      answer: null,
      runner: null,
      fence: null,
      isFront: false,
      error: null,
      lines: [],
    };
    this.state.runs.push(run);
    placeNewRun(this.state, run);
    return { name: run.name, isNew: true };
  }

  scheduleByAttempt(attempt: ModelAttempt, requests: readonly Request[]): readonly string[] {
    if (!this.holds(attempt)) throw new Refusal('attempt_superseded');
    return this.allOrNothing(() => requests.map((request) => this.schedule(request, attempt.run).name));
  }

  /** Whom a claim takes, in its order: of each environment in turn, beginning after `after`, the one that could start first. */
  claimable(
    runner: RunnerName,
    { limit, after }: { readonly limit: number; readonly after: Environment | null },
  ): readonly ModelRun[] {
    if (!isValid(this.state, runner)) return [];
    const first = after === null ? 0 : environments.indexOf(after) + 1;
    const round = [...environments.slice(first), ...environments.slice(0, first)];
    const lines = round.map((environment) => this.startable(environment));
    const laps = Array.from({ length: limit }, (_, lap) => lines.flatMap((line) => line.slice(lap, lap + 1)));
    return laps.flat().slice(0, limit);
  }

  startable(environment: Environment): readonly ModelRun[] {
    const due = this.state.runs.filter(
      (run) =>
        run.environment === environment && run.state === 'queued' && run.isFront && wakeAt(run) <= this.state.now,
    );
    return due.toSorted((a, b) => wakeAt(a) - wakeAt(b) || a.number - b.number);
  }

  claim(name: string, runner: RunnerName, fence: string): ModelAttempt {
    const run = this.run(name);
    run.attemptCount += 1;
    Object.assign(run, {
      state: 'running',
      runner,
      fence,
      retryAt: null,
      startedAt: run.startedAt ?? this.state.now,
      isFront: true,
    });
    const attempt: ModelAttempt = {
      run: name,
      number: run.attemptCount,
      fence,
      runner,
      limit: run.attemptLimit,
      outcome: null,
    };
    this.state.attempts.push(attempt);
    return attempt;
  }

  /** @param end `retryAt`: where the jitter of the back-off has put the next attempt, should there be one */
  finish(
    attempt: ModelAttempt,
    end: { readonly outcome: Outcome; readonly error: string | null; readonly retryAt: number | null },
  ): Next {
    if (!this.holds(attempt)) return 'superseded';
    const run = this.run(attempt.run);
    const outcome = run.answer ?? end.outcome;
    const next = this.decide(run, outcome);
    const current = this.state.attempts.find((each) => each.fence === attempt.fence);
    if (current !== undefined) current.outcome = outcome;
    const error = run.answer ?? end.error;
    Object.assign(run, { runner: null, cancelRequested: false, answer: null, error: null });
    if (next === 'scheduled' || next === 'queued') {
      Object.assign(run, {
        state: 'queued',
        retryAt: next === 'scheduled' ? end.retryAt : null,
        attemptLimit: run.attemptLimit + (next === 'queued' ? 1 : 0),
      });
    } else {
      Object.assign(run, { state: next, finishedAt: this.state.now, error: next === 'succeeded' ? null : error });
    }
    this.settle(run);
    return next;
  }

  /** Before its end. An error is named after it. @returns whether it was stored */
  answer(attempt: ModelAttempt, outcome: AnswerOutcome): boolean {
    const run = this.run(attempt.run);
    if (!this.holds(attempt) || run.answer !== null) return false;
    run.answer = outcome;
    return true;
  }

  protected decide(run: ModelRun, outcome: Outcome): Exclude<Next, 'superseded'> {
    if (outcome === 'returned') return 'succeeded';
    if (outcome === 'threw') return 'failed';
    if (run.cancelRequested) return 'cancelled';
    if (outcome === 'cancelled') return 'queued';
    return run.attemptCount >= run.attemptLimit ? 'dead' : 'scheduled';
  }

  /** @returns whether the lines were stored */
  log(attempt: ModelAttempt, lines: readonly string[]): boolean {
    if (!this.holds(attempt)) return false;
    this.run(attempt.run).lines.push(...lines);
    return true;
  }

  cancel(name: string): void {
    const run = this.run(name);
    if (!isActive(run)) throw new Refusal('run_already_final');
    if (run.state === 'running') {
      run.cancelRequested = true;
      return;
    }
    Object.assign(run, { state: 'cancelled', finishedAt: this.state.now, retryAt: null });
    this.settle(run);
  }

  retry(name: string): void {
    const run = this.run(name);
    if (isActive(run)) throw new Refusal('run_not_final');
    if (run.state === 'succeeded') throw new Refusal('run_succeeded');
    const { key, task, environment } = run;
    if (
      key !== null &&
      this.state.runs.some(
        (each) => isActive(each) && each.key === key && each.task === task && each.environment === environment,
      )
    )
      throw new Refusal('key_taken');
    Object.assign(run, {
      state: 'queued',
      dueAt: this.state.now,
      finishedAt: null,
      error: null,
      attemptLimit: run.attemptCount + attemptsOf[task],
    });
    this.settle(run);
  }

  pause(name: QueueName, paused: boolean): void {
    this.queue(name).paused = paused;
    settleQueue(this.state, name);
  }

  /** Sets all queues of an environment: those that are not named wait. */
  setPolicies(environment: Environment, skipping: readonly string[]): void {
    for (const name of skipping) this.queue({ environment, name });
    for (const queue of this.state.queues.filter((each) => each.environment === environment)) {
      const onRetry = skipping.includes(queue.name) ? 'skip' : 'wait';
      if (queue.onRetry === onRetry) continue;
      queue.onRetry = onRetry;
      settleQueue(this.state, queue);
    }
  }

  /** Running runs whose runner's lease has ended, oldest first. */
  lostAttempts(): readonly ModelAttempt[] {
    const lost = this.state.attempts.filter(
      (attempt) => this.holds(attempt) && (runnerOf(this.state, attempt.runner)?.endedAt ?? null) !== null,
    );
    return lost.toSorted((a, b) => this.run(a.run).number - this.run(b.run).number);
  }

  writeBatch(
    attempt: ModelAttempt,
    { id, operations }: { readonly id: string; readonly operations: readonly DataOperation[] },
  ): { readonly destroyed: readonly number[]; readonly runs: readonly string[] } {
    const earlier = this.state.batches.find((batch) => batch.id === id);
    if (earlier !== undefined && earlier.run === attempt.run) return earlier.answer;
    if (earlier !== undefined || !this.holds(attempt)) throw new Refusal('attempt_superseded');
    return this.allOrNothing(() => {
      // Runs are scheduled after everything else, so that it is the refusal of something else that is told.
      const [runs, others] = [operations.filter(isSchedule), operations.filter((operation) => !isSchedule(operation))];
      const done = [...others, ...runs].map((operation) => this.write(attempt, operation));
      const answer = { destroyed: done.flatMap(({ destroyed }) => destroyed), runs: done.flatMap(({ runs }) => runs) };
      this.state.batches.push({ id, run: attempt.run, answer });
      return answer;
    });
  }

  /** An attempt that has ended says that none of its batches will be sent again. One that was taken over says nothing for its successor. */
  forgetBatches({ run, fence }: ModelAttempt): void {
    if (this.run(run).fence === fence) this.state.batches = this.state.batches.filter((batch) => batch.run !== run);
  }

  private write(
    attempt: ModelAttempt,
    operation: DataOperation,
  ): { readonly destroyed: readonly number[]; readonly runs: readonly string[] } {
    const { pieces } = this.state;
    if (operation.do === 'schedule') return { destroyed: [], runs: this.scheduleByAttempt(attempt, operation.runs) };
    if (operation.do === 'destroy_all') {
      this.state.pieces = {};
      return { destroyed: [Object.keys(pieces).length], runs: [] };
    }
    if (operation.do !== 'insert' && pieces[operation.piece] === undefined) throw new Refusal('object_destroyed');
    if (operation.do === 'destroy')
      this.state.pieces = Object.fromEntries(Object.entries(pieces).filter(([piece]) => piece !== operation.piece));
    else pieces[operation.piece] = operation.text;
    return { destroyed: [], runs: [] };
  }

  private queue(name: QueueName): ModelQueue {
    const found = this.state.queues.find((queue) => queue.environment === name.environment && queue.name === name.name);
    if (found !== undefined) return found;
    const queue: ModelQueue = { ...name, paused: false, onRetry: 'wait' };
    this.state.queues.push(queue);
    return queue;
  }

  protected settle(run: ModelRun): void {
    if (run.queue === null) run.isFront = run.state === 'queued';
    else settleQueue(this.state, { environment: run.environment, name: run.queue });
  }

  private allOrNothing<Result>(work: () => Result): Result {
    const before = structuredClone(this.state);
    try {
      return work();
    } catch (error) {
      this.state = before;
      throw error;
    }
  }
}
