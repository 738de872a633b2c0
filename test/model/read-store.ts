import type { AnswerOutcome, Run } from '../../src/engine/core/run.ts';
import { readNextWakeMs } from '../../src/engine/store/claim-runs.ts';
import { readQueues } from '../../src/engine/store/queues.ts';
import { everyRun } from '../../src/engine/store/run-filter.ts';
import { readBacklog, readRuns } from '../../src/engine/store/read-runs.ts';
import type { EnvironmentLists, Facts, RunFacts } from './describe.ts';
import type { Model } from './model.ts';
import type { Real } from './real.ts';
import { environments } from './state.ts';

/** What the public lists do not show. */
interface Hidden {
  readonly runs: Readonly<Record<string, HiddenRun>> | null;
  readonly runners:
    | readonly {
        readonly id: string;
        readonly expiresAt: number;
        readonly renewals: number;
        readonly endedAt: number | null;
      }[]
    | null;
  readonly queues:
    | readonly {
        readonly environment: string;
        readonly name: string;
        readonly paused: boolean;
        readonly onRetry: string;
      }[]
    | null;
  readonly batches: readonly { readonly id: string; readonly run: string }[] | null;
  readonly pieces: readonly { readonly id: string; readonly text: string }[] | null;
}

interface HiddenRun {
  readonly seq: number;
  readonly isFront: boolean;
  readonly attemptCount: number;
  readonly attemptLimit: number;
  readonly cancelRequested: boolean;
  readonly answer: AnswerOutcome | null;
  readonly runner: string | null;
  readonly fence: string | null;
  readonly lines: readonly string[] | null;
}

const hidden = `
  select json_build_object(
    'runs', (select json_object_agg(r.id, json_build_object('seq', r.seq, 'isFront', exists (select from cloudcode.ready y where y.run_id = r.id) or state = 'running', 'attemptCount', attempt_count, 'attemptLimit', attempt_limit,
      'cancelRequested', cancel_requested_at is not null, 'answer', answer, 'runner', case when state = 'running' then runner_id end, 'fence', fence::text,
      'lines', (select json_agg(message order by l.seq) from cloudcode.log_lines l where l.run_id = r.id))) from cloudcode.runs r),
    'runners', (select json_agg(json_build_object('id', id, 'expiresAt', extract(epoch from lease_expires_at) * 1000, 'renewals', renewals, 'endedAt', extract(epoch from lease_ended_at) * 1000)) from cloudcode.runners),
    'queues', (select json_agg(json_build_object('environment', e.name, 'name', q.name, 'paused', paused, 'onRetry', on_retry)) from cloudcode.queues q join cloudcode.environments e on e.id = q.environment_id),
    'batches', (select json_agg(json_build_object('id', id, 'run', run_id)) from cloudcode.batches),
    'pieces', (select json_agg(json_build_object('id', id, 'text', state)) from cloudcode_testing.piece)
  ) as hidden`;

/** What the store holds, and what its lists say; ids are replaced by the model's names. */
export async function readFacts(real: Real, model: Model): Promise<Facts> {
  const { store } = real.t;
  const [[row], nextWakeMs, ...shown] = await Promise.all([
    store.query<{ hidden: Hidden }>({ name: 'test_hidden', text: hidden }),
    readNextWakeMs(store),
    ...environments.map(async (environment) => ({
      environment,
      runs: await readRuns(store, real.environmentId(environment), {
        ...everyRun,
        limit: 1000,
      }),
      queues: await readQueues(store, real.environmentId(environment), null),
      backlog: await readBacklog(store, real.environmentId(environment)),
    })),
  ]);
  if (row === undefined) throw new Error('the store gave no row');
  const names = new Map(model.state.runs.map(({ id, name }) => [id, name]));
  const nameOf = (id: string): string => names.get(id) ?? id;
  const runs = shown
    .flatMap((each) => each.runs)
    .map((run) => ({ run, hidden: row.hidden.runs?.[run.id] }))
    .toSorted((a, b) => (a.hidden?.seq ?? 0) - (b.hidden?.seq ?? 0));
  return {
    runs: runs.flatMap(({ run, hidden: more }) => (more === undefined ? [] : [runFacts(run, more, { nameOf, real })])),
    runners: (row.hidden.runners ?? []).map((runner) => ({ ...runner, name: real.runnerOf(runner.id) })),
    queues: row.hidden.queues ?? [],
    batches: (row.hidden.batches ?? []).map((batch) => ({ ...batch, run: nameOf(batch.run) })),
    pieces: Object.fromEntries((row.hidden.pieces ?? []).map(({ id, text }) => [real.pieceOf(id), text])),
    lists: shown.map(({ environment, queues, backlog: { pausedQueues: _, ...backlog } }): EnvironmentLists => ({
      environment,
      backlog,
      queues: queues.map((queue) => ({
        ...queue,
        running: queue.running === null ? null : nameOf(queue.running),
        oldestDueAt: time(queue.oldestDueAt),
      })),
    })),
    nextWakeMs,
  };
}

function runFacts(
  run: Run,
  hiddenRun: HiddenRun,
  { nameOf, real }: { readonly nameOf: (id: string) => string; readonly real: Real },
): RunFacts {
  const runner = hiddenRun.runner === null ? null : real.runnerOf(hiddenRun.runner);
  return {
    ...run,
    ...hiddenRun,
    runner,
    environment: run.environment as RunFacts['environment'],
    task: run.task as RunFacts['task'],
    name: nameOf(run.id),
    shown: run.state,
    lines: [...(hiddenRun.lines ?? [])],
    error: run.error?.name ?? null,
    scheduledBy: run.scheduledBy === null ? null : nameOf(run.scheduledBy),
    dueAt: Date.parse(run.dueAt),
    retryAt: time(run.retryAt),
    startedAt: time(run.startedAt),
    finishedAt: time(run.finishedAt),
    attempts: run.attempts.map((attempt) => ({ ...attempt, runner: real.runnerOf(attempt.runner) })),
  };
}

function time(at: string | null): number | null {
  return at === null ? null : Date.parse(at);
}
