import type { Outcome } from '../../src/engine/core/run.ts';
import { environments, epoch, isActive, type ModelRun, wakeAt } from './state.ts';
import type { Model } from './model.ts';

// Model and store are compared as lines of text: what differs can be read at once.

export interface Facts {
  readonly runs: readonly RunFacts[];
  readonly runners: readonly {
    readonly name: string;
    readonly expiresAt: number;
    readonly renewals: number;
    readonly endedAt: number | null;
  }[];
  readonly queues: readonly {
    readonly environment: string;
    readonly name: string;
    readonly paused: boolean;
    readonly onRetry: string;
  }[];
  readonly batches: readonly { readonly id: string; readonly run: string }[];
  readonly pieces: Readonly<Record<string, string>>;
  /** What lists and summaries say of each environment, in order. */
  readonly lists: readonly EnvironmentLists[];
  readonly nextWakeMs: number | null;
}

export interface RunFacts extends Omit<ModelRun, 'id' | 'state' | 'number'> {
  /** As it is shown: `scheduled` when its time has not come. */
  readonly shown: string;
  readonly attempts: readonly {
    readonly number: number;
    readonly fence: string;
    readonly runner: string;
    readonly outcome: Outcome | null;
  }[];
}

export interface EnvironmentLists {
  readonly environment: string;
  readonly queues: readonly {
    readonly name: string;
    readonly queued: number;
    readonly scheduled: number;
    readonly running: string | null;
    readonly oldestDueAt: number | null;
    readonly paused: boolean;
  }[];
  readonly backlog: Readonly<Record<'queued' | 'running' | 'inBackOff' | 'dueSoon' | 'later' | 'paused', number>>;
}

export function describe(facts: Facts): readonly string[] {
  return [
    ...facts.runs.map(describeRun),
    ...facts.runners
      .map(
        (runner) =>
          `runner ${runner.name}: lease until ${time(runner.expiresAt)}, renewed ${runner.renewals} times${runner.endedAt === null ? '' : `, ended at ${time(runner.endedAt)}`}`,
      )
      .toSorted(),
    ...facts.queues
      .map(
        (queue) =>
          `settings of ${queue.name} in ${queue.environment}: ${queue.paused ? 'paused' : 'not paused'}, ${queue.onRetry}`,
      )
      .toSorted(),
    ...facts.batches.map(({ id, run }) => `batch ${id} of ${run}`).toSorted(),
    ...Object.entries(facts.pieces)
      .map(([piece, text]) => `object ${piece}: ${text}`)
      .toSorted(),
    ...facts.lists.flatMap(describeLists),
    `the next run can start in ${facts.nextWakeMs === null ? 'never' : `${facts.nextWakeMs} ms`}`,
  ];
}

function describeRun(run: RunFacts): string {
  const attempts = run.attempts
    .map(({ number, fence, runner, outcome }) => `${number} (fence ${fence}) by ${runner} ${outcome ?? 'under way'}`)
    .join(', ');
  return [
    `${run.name} of ${run.task} in ${run.environment}: ${run.shown}`,
    run.queue === null ? 'no queue' : `queue ${run.queue}`,
    run.isFront ? 'at the front' : 'not at the front',
    `due ${time(run.dueAt)}`,
    ...(run.retryAt === null ? [] : [`back-off until ${time(run.retryAt)}`]),
    ...(run.key === null ? [] : [`key ${run.key}`]),
    ...(run.scheduledBy === null ? [] : [`by ${run.scheduledBy}`]),
    `started ${time(run.startedAt)}`,
    `finished ${time(run.finishedAt)}`,
    `${run.attemptCount} of ${run.attemptLimit} attempts${attempts === '' ? '' : `: ${attempts}`}`,
    ...(run.runner === null ? [] : [`held by ${run.runner}`]),
    ...(run.cancelRequested ? ['cancel requested'] : []),
    ...(run.answer === null ? [] : [`has answered: ${run.answer}`]),
    ...(run.error === null ? [] : [`error ${run.error}`]),
    ...(run.lines.length === 0 ? [] : [`log ${run.lines.join(' ')}`]),
  ].join(', ');
}

function describeLists({ environment, queues, backlog }: EnvironmentLists): readonly string[] {
  const listed = queues.map(
    (queue) =>
      `queue ${queue.name} in ${environment}: ${queue.queued} queued, ${queue.scheduled} scheduled, running ${queue.running ?? 'none'}, oldest due ${time(queue.oldestDueAt)}${queue.paused ? ', paused' : ''}`,
  );
  return [
    ...listed,
    `to do in ${environment}: ${Object.entries(backlog)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  ];
}

function time(at: number | null): string {
  return at === null ? 'never' : `at ${(at - epoch) / 1000} s`;
}

/** What the store must hold. */
export function factsOf(model: Model): Facts {
  const { state } = model;
  const fronts = state.runs
    .filter((run) => run.state === 'queued' && run.isFront)
    .map((run) => Math.max(0, wakeAt(run) - state.now));
  return {
    ...state,
    runs: state.runs.map((run) => ({
      ...run,
      shown: shownState(run, state.now),
      attempts: state.attempts.filter((attempt) => attempt.run === run.name),
    })),
    lists: environments.map((environment) => ({
      environment,
      queues: listQueues(model, environment),
      backlog: backlogOf(model, environment),
    })),
    nextWakeMs: fronts.length === 0 ? null : Math.min(...fronts),
  };
}

function shownState(run: ModelRun, now: number): string {
  return run.state === 'queued' && wakeAt(run) > now ? 'scheduled' : run.state;
}

function listQueues({ state }: Model, environment: string): EnvironmentLists['queues'] {
  const active = state.runs.filter((run) => run.environment === environment && isActive(run));
  const paused = state.queues.filter((queue) => queue.environment === environment && queue.paused);
  const names = new Set([
    ...active.flatMap(({ queue }) => (queue === null ? [] : [queue])),
    ...paused.map(({ name }) => name),
  ]);
  return [...names].toSorted().map((name) => {
    const line = active.filter(({ queue }) => queue === name);
    const waiting = line.filter((run) => run.state === 'queued');
    return {
      name,
      queued: waiting.filter((run) => wakeAt(run) <= state.now).length,
      scheduled: waiting.filter((run) => wakeAt(run) > state.now).length,
      running: line.find((run) => run.state === 'running')?.name ?? null,
      oldestDueAt: waiting.length === 0 ? null : Math.min(...waiting.map(({ dueAt }) => dueAt)),
      paused: paused.some((queue) => queue.name === name),
    };
  });
}

function backlogOf({ state }: Model, environment: string): EnvironmentLists['backlog'] {
  const isPaused = (run: ModelRun): boolean =>
    state.queues.some((queue) => queue.environment === environment && queue.name === run.queue && queue.paused);
  const active = state.runs.filter((run) => run.environment === environment && isActive(run));
  const waiting = active.filter((run) => run.state === 'queued');
  const count = (runs: readonly ModelRun[], is: (run: ModelRun) => boolean): number =>
    runs.filter((run) => !isPaused(run) && is(run)).length;
  const isLater = (run: ModelRun): boolean => run.retryAt === null && run.dueAt > state.now;
  return {
    queued: count(waiting, (run) => wakeAt(run) <= state.now),
    running: active.length - waiting.length,
    inBackOff: count(waiting, (run) => run.retryAt !== null && run.retryAt > state.now),
    dueSoon: count(waiting, (run) => isLater(run) && run.dueAt <= state.now + 60_000),
    later: count(waiting, (run) => isLater(run) && run.dueAt > state.now + 60_000),
    paused: waiting.filter(isPaused).length,
  };
}
