import fc from 'fast-check';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { pauseQueue, resumeQueue } from '../../src/engine/operations/pause-queue.ts';
import { retryRun } from '../../src/engine/operations/retry-run.ts';
import { findOrScheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { setRetryPolicies } from '../../src/engine/store/queues.ts';
import type { Model } from './model.ts';
import { queueNames, requestOf, type Wish, wishes, wordsOf } from './requests.ts';
import { answerOf, pick, type StepKind } from './step.ts';
import { type Environment, environments, isActive, type ModelRun, wakeAt } from './state.ts';

// What people ask for, and what time does.

const environment = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Environment>('testing') },
  { weight: 1, arbitrary: fc.constant<Environment>('staging') },
);
/** True once in a while. */
export const seldom = fc.oneof(
  { weight: 9, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const inEnvironment = (name: Environment): string => (name === 'testing' ? '' : ` in ${name}`);

export const schedule: StepKind<{ readonly wish: Wish; readonly environment: Environment }> = {
  weight: 14,
  given: fc.record({ wish: wishes, environment }),
  isPossible: () => true,
  async do({ model, real, say, compare }, { wish, environment }) {
    say(`schedule ${wordsOf(wish)}${inEnvironment(environment)}`);
    const request = requestOf(wish, environment, model.state.now);
    const { task, queue, key, when } = wish;
    const stored = await answerOf(() =>
      findOrScheduleRun(real.t.store, environment, {
        task,
        ...(queue === null ? {} : { queue }),
        ...(key === null ? {} : { key }),
        ...(when === null ? {} : when.kind === 'at' ? { at: new Date(request.dueAt) } : { after: when.ms }),
      }),
    );
    if ('refused' in stored) return compare(stored, await answerOf(() => model.schedule(request)));
    const known = new Map(model.state.runs.map(({ id, name }) => [id, name]));
    const expected = await answerOf(() =>
      model.schedule({ ...request, id: stored.isNew ? stored.run.id : request.id }),
    );
    compare({ name: known.get(stored.run.id) ?? `run ${known.size + 1}`, isNew: stored.isNew }, expected);
  },
};

export const cancel: StepKind<{ readonly number: number; readonly isAnyone: boolean }> = {
  weight: 3,
  given: fc.record({ number: fc.nat(100), isAnyone: fc.boolean() }),
  isPossible: (model, given) => cancellable(model, given).length > 0,
  async do({ model, real, say, compare }, given) {
    const run = pick(cancellable(model, given), given.number);
    say(`cancel ${run.name}`);
    const stored = await answerOf(() => cancelRun(real.t.store, run.environment, run.id).then(({ state }) => state));
    compare(
      stored,
      await answerOf(() => {
        model.cancel(run.name);
        return model.run(run.name).state;
      }),
    );
  },
};

/** Every run, or one that runs: there are fewer of these. */
function cancellable({ state }: Model, { isAnyone }: { readonly isAnyone: boolean }): readonly ModelRun[] {
  return isAnyone ? state.runs : state.runs.filter((run) => run.state === 'running');
}

export const retry: StepKind<{ readonly number: number; readonly isInVain: boolean }> = {
  weight: 5,
  given: fc.record({ number: fc.nat(100), isInVain: seldom }),
  isPossible: (model, given) => retriable(model, given).length > 0,
  async do({ model, real, say, compare }, given) {
    const run = pick(retriable(model, given), given.number);
    say(`retry ${run.name}`);
    const stored = await answerOf(() => retryRun(real.t.store, run.environment, run.id).then(({ state }) => state));
    compare(
      stored,
      await answerOf(() => {
        model.retry(run.name);
        return model.run(run.name).state;
      }),
    );
  },
};

function retriable({ state }: Model, { isInVain }: { readonly isInVain: boolean }): readonly ModelRun[] {
  return isInVain ? state.runs : state.runs.filter((run) => !isActive(run) && run.state !== 'succeeded');
}

export const pause: StepKind<{ readonly environment: Environment; readonly name: string; readonly paused: boolean }> = {
  weight: 3,
  given: fc.record({ environment, name: fc.constantFrom(...queueNames), paused: fc.constantFrom(true, false, false) }),
  isPossible: () => true,
  async do({ model, real, say }, { environment, name, paused }) {
    say(`${paused ? 'pause' : 'resume'} ${name}${inEnvironment(environment)}`);
    await (paused ? pauseQueue : resumeQueue)(real.t.store, environment, name);
    model.pause({ environment, name }, paused);
  },
};

/** As a deployment does. */
export const setPolicies: StepKind<readonly string[]> = {
  weight: 2,
  given: fc.subarray([...queueNames]),
  isPossible: () => true,
  async do({ model, real, say }, skipping) {
    say(
      skipping.length === 0
        ? 'let all queues wait for retries'
        : `let ${skipping.join(' and ')} skip retries, and the others wait`,
    );
    await setRetryPolicies(
      real.t.store,
      real.environmentId('testing'),
      new Map(skipping.map((name) => [name, 'skip'])),
    );
    model.setPolicies('testing', skipping);
  },
};

/** So much time passes; or just as much as until the next run is due, or a lease expires. */
export const wait: StepKind<number | 'next' | 'nearly next'> = {
  weight: 10,
  given: fc.constantFrom<number | 'next' | 'nearly next'>(
    'next',
    'next',
    'next',
    'next',
    'nearly next',
    1,
    1000,
    20_000,
    600_000,
    3_600_001,
  ),
  isPossible: () => true,
  async do({ model: { state }, real, say }, span) {
    const waiting = state.runs.filter((run) => run.state === 'queued').map(wakeAt);
    const next =
      [...waiting, ...state.runners.filter(({ endedAt }) => endedAt === null).map(({ expiresAt }) => expiresAt)]
        .filter((at) => at > state.now)
        .toSorted((a, b) => a - b)[0] ?? state.now;
    const ms = span === 'next' ? next - state.now : span === 'nearly next' ? Math.max(0, next - state.now - 1) : span;
    say(`${ms} ms pass`);
    state.now += ms;
    await real.setClock(state.now);
  },
};

export const environmentOfClaims = fc.constantFrom(null, ...environments);
