import fc from 'fast-check';
import type { AnswerOutcome, Outcome } from '../../src/engine/core/run.ts';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { finishAttempt } from '../../src/engine/operations/finish-attempt.ts';
import { pauseQueue, resumeQueue } from '../../src/engine/operations/pause-queue.ts';
import { rescueRuns } from '../../src/engine/operations/rescue-runs.ts';
import { retryRun } from '../../src/engine/operations/retry-run.ts';
import { scheduleRun, scheduleRunsByAttempt } from '../../src/engine/operations/schedule-run.ts';
import { type ClaimedRun, claimRuns } from '../../src/engine/store/claim-runs.ts';
import { setRetryPolicies } from '../../src/engine/store/queues.ts';
import { endLease } from '../../src/engine/store/runners.ts';
import { storeAnswer } from '../../src/engine/store/store-answer.ts';
import { endOf } from '../support/store.ts';
import { within } from './budget.ts';
import { brokenInvariants } from './invariants.ts';
import { Model } from './model.ts';
import { queueNames, requestOf, sentOf, type Wish, wishes, wordsOf } from './requests.ts';
import type { Real } from './real.ts';
import { answerOf, pick } from './step.ts';
import { epoch, type RunnerName, runnerNames } from './state.ts';

// Many clients at once. Which of their calls comes first nobody can say, so no model predicts the answers; but each answer has to be true in the end.

type Call =
  | { readonly kind: 'schedule'; readonly wish: Wish }
  | { readonly kind: 'claim'; readonly runner: RunnerName; readonly limit: number }
  | { readonly kind: 'finish'; readonly number: number; readonly outcome: Outcome; readonly twice: boolean }
  | { readonly kind: 'answer'; readonly number: number; readonly outcome: AnswerOutcome }
  | { readonly kind: 'schedule by attempt'; readonly number: number; readonly wish: Wish }
  | { readonly kind: 'cancel' | 'retry'; readonly number: number }
  | { readonly kind: 'pause' | 'resume'; readonly queue: string }
  | { readonly kind: 'policies'; readonly skipping: readonly string[] }
  | { readonly kind: 'lease over'; readonly runner: RunnerName };

const runner = fc.constantFrom(...runnerNames);
const queue = fc.constantFrom(...queueNames);
const number = fc.nat(100);
const calls: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('schedule' as const), wish: wishes }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), runner, limit: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      number,
      outcome: fc.constantFrom<Outcome>('returned', 'threw', 'killed', 'killed', 'cancelled', 'timed_out'),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      number,
      outcome: fc.constantFrom<AnswerOutcome>('returned', 'threw'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('schedule by attempt' as const), number, wish: wishes }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'retry' as const), number }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const), queue }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('policies' as const), skipping: fc.subarray([...queueNames]) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lease over' as const), runner }) },
);

/** What the clients of one round were told, and share as people and runners do. */
interface Round {
  readonly real: Real;
  readonly ids: string[];
  readonly claimed: ClaimedRun[];
  /** Of each run the ends that the store has taken. */
  readonly ended: { readonly id: string; readonly fence: string; readonly next: string }[];
  /** Answers that were stored before the end. */
  readonly answered: { readonly fence: string; readonly outcome: AnswerOutcome }[];
  /** Refusals that must be true for ever, and what else must hold at the end. */
  readonly told: { readonly id: string; readonly state: 'succeeded' }[];
}

async function ask(round: Round, call: Call): Promise<void> {
  const {
    real: {
      t: { store },
    },
    real,
  } = round;
  switch (call.kind) {
    case 'schedule': {
      const { task, queue: name, key, when } = call.wish;
      const run = await answerOf(() =>
        scheduleRun(store, 'testing', {
          task,
          ...(name === null ? {} : { queue: name }),
          ...(key === null ? {} : { key }),
          ...(when === null ? {} : when.kind === 'at' ? { at: new Date(epoch + when.ms) } : { after: when.ms }),
        }),
      );
      if (!('refused' in run)) round.ids.push(run.id);
      return;
    }
    case 'claim':
      round.claimed.push(
        ...(await claimRuns(store, { runnerId: real.runnerId(call.runner), limit: call.limit, after: 0 })),
      );
      return;
    case 'finish': {
      if (round.claimed.length === 0) return;
      const run = pick(round.claimed, call.number);
      // A runner that did not hear the answer sends the end again, and another one may say something else.
      const nexts = await Promise.all(
        Array.from({ length: call.twice ? 2 : 1 }, () => finishAttempt(store, endOf(run, call.outcome))),
      );
      for (const next of nexts) if (next !== 'superseded') round.ended.push({ id: run.id, fence: run.fence, next });
      return;
    }
    case 'answer': {
      if (round.claimed.length === 0) return;
      const { id, fence } = pick(round.claimed, call.number);
      if (
        await storeAnswer(store, {
          runId: id,
          fence,
          outcome: call.outcome,
          resultJson: null,
          error: null,
          fingerprint: null,
        })
      )
        round.answered.push({ fence, outcome: call.outcome });
      return;
    }
    case 'schedule by attempt': {
      if (round.claimed.length === 0) return;
      const run = pick(round.claimed, call.number);
      const ids = await answerOf(() =>
        scheduleRunsByAttempt(store, { runId: run.id, fence: run.fence, environment: 'testing' }, [
          sentOf(requestOf(call.wish, 'testing', epoch), call.wish),
        ]),
      );
      if (!('refused' in ids)) round.ids.push(...ids);
      return;
    }
    case 'cancel':
    case 'retry': {
      if (round.ids.length === 0) return;
      const id = pick(round.ids, call.number);
      const answer = await answerOf(() => (call.kind === 'cancel' ? cancelRun : retryRun)(store, 'testing', id));
      if ('refused' in answer && answer.refused === 'run_succeeded') round.told.push({ id, state: 'succeeded' });
      return;
    }
    case 'pause':
    case 'resume':
      await (call.kind === 'pause' ? pauseQueue : resumeQueue)(store, 'testing', call.queue);
      return;
    case 'policies':
      await setRetryPolicies(
        store,
        real.environmentId('testing'),
        new Map(call.skipping.map((name) => [name, 'skip'])),
      );
      return;
    case 'lease over':
      await endLease(store, real.runnerId(call.runner));
      await rescueRuns(store);
      await real.takeLease(call.runner);
  }
}

/** What the clients were told and is not true. */
async function brokenPromises({
  real: {
    t: { store },
  },
  ids,
  claimed,
  ended,
  answered,
  told,
}: Round): Promise<readonly string[]> {
  const runs = await store.query<{ id: string; state: string; fences: string[] }>({
    name: 'test_told',
    text: 'select id, state, array(select fence::text from cloudcode.attempts a where a.run_id = r.id) as fences from cloudcode.runs r',
  });
  const stored = new Map(runs.map((run) => [run.id, run]));
  const ends = await store.query<{ fence: string; outcome: Outcome }>({
    name: 'test_ends',
    text: 'select fence::text as fence, outcome from cloudcode.attempts where outcome is not null',
  });
  const outcomeOf = new Map(ends.map(({ fence, outcome }) => [fence, outcome]));
  const once = new Set(ended.map(({ fence }) => fence));
  return [
    ...ids.filter((id) => !stored.has(id)).map((id) => `run ${id} was lost after it was scheduled`),
    ...claimed
      .filter(({ id, fence }) => stored.get(id)?.fences.includes(fence) !== true)
      .map(({ id, fence }) => `attempt ${fence} of run ${id} is not recorded`),
    ...(once.size === ended.length ? [] : ['two ends of one attempt were taken']),
    ...ended
      .filter(({ id, next }) => next === 'succeeded' && stored.get(id)?.state !== 'succeeded')
      .map(({ id }) => `run ${id} succeeded, and is not`),
    ...answered
      .filter(({ fence, outcome }) => (outcomeOf.get(fence) ?? outcome) !== outcome)
      .map(({ fence, outcome }) => `attempt ${fence} had answered (${outcome}), and ended as ${outcomeOf.get(fence)}`),
    ...told
      .filter(({ id, state }) => stored.get(id)?.state !== state)
      .map(({ id, state }) => `it was said for ever that run ${id} is ${state}`),
  ];
}

/** When nothing goes on any more and no queue is paused, everything comes to its end: no queue stands still, and no run is forgotten. */
async function workOff({ real }: Round): Promise<readonly string[]> {
  const { store } = real.t;
  for (const name of queueNames) await resumeQueue(store, 'testing', name);
  for (const name of runnerNames) await endLease(store, real.runnerId(name));
  await rescueRuns(store);
  await real.setClock(epoch + 86_400_000);
  await real.takeLease('A');
  const claim = { runnerId: real.runnerId('A'), limit: 100, after: 0 };
  for (let runs = await claimRuns(store, claim); runs.length > 0; runs = await claimRuns(store, claim)) {
    for (const run of runs)
      if ((await finishAttempt(store, endOf(run, 'returned'))) === 'superseded')
        return [`the end of run ${run.id} was refused`];
  }
  const left = await store.query<{ id: string }>({
    name: 'test_left',
    text: "select id from cloudcode.runs where state in ('queued', 'running')",
  });
  return left.map(({ id }) => `run ${id} is never claimed`);
}

export interface CheckedClients {
  readonly rounds: number;
  readonly calls: number;
  /** Null when all held; else what to print. */
  readonly broken: string | null;
}

const roundsPerSeed = 2;
const shrinkLimitMs = 30_000;

/** Lets clients ask at once, round after round, and looks at the store after each. */
export async function checkClients(
  real: Real,
  { seed, limitMs }: { readonly seed: number; readonly limitMs: number },
): Promise<CheckedClients> {
  let [rounds, asked] = [0, 0];
  const property: fc.IAsyncProperty<[Call[][]]> = fc.asyncProperty(
    fc.array(fc.array(calls, { maxLength: 25, size: 'max' }), { minLength: 2, maxLength: 6 }),
    async (clients) => {
      await real.begin(() => new Model());
      await real.takeLease('C');
      const round: Round = { real, ids: [], claimed: [], ended: [], answered: [], told: [] };
      rounds += 1;
      await Promise.all(
        clients.map(async (own) => {
          for (const call of own) {
            asked += 1;
            await ask(round, call);
          }
        }),
      );
      const broken = [
        ...(await brokenInvariants(real.t.store)),
        ...(await brokenPromises(round)),
        ...(await workOff(round)),
        ...(await brokenInvariants(real.t.store)),
        ...(await brokenPromises(round)),
      ];
      if (broken.length > 0) throw new Error(broken.join('\n'));
    },
  );
  const began = performance.now();
  for (let batch = 0; performance.now() - began < limitMs; batch += 1) {
    const details = await fc.check(property, {
      seed: seed + batch,
      numRuns: roundsPerSeed,
      unbiased: true,
      plugins: [within(shrinkLimitMs)],
    });
    if (details.failed) return { rounds, calls: asked, broken: print(details) };
  }
  return { rounds, calls: asked, broken: null };
}

function print({ counterexample, errorInstance, seed }: fc.RunDetails<[Call[][]]>): string {
  const clients = counterexample?.[0] ?? [];
  const lines = clients.map((own, index) => `client ${index + 1}: ${own.map(wordsOfCall).join('; ')}`);
  return [
    `Clients at once (CLOUDCODE_TEST_SEED=${seed} begins with the same calls):`,
    ...lines,
    String(errorInstance),
  ].join('\n');
}

function wordsOfCall(call: Call): string {
  if (call.kind === 'schedule' || call.kind === 'schedule by attempt') return `${call.kind} ${wordsOf(call.wish)}`;
  return Object.values(call).join(' ');
}
