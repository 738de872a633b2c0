import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import fc from 'fast-check';
import { type AnswerOutcome, type Outcome, outcomes } from '../../src/engine/core/run.ts';
import { finishAttempts } from '../../src/engine/operations/finish-attempt.ts';
import { scheduleRunsByAttempt } from '../../src/engine/operations/schedule-run.ts';
import { claimRuns } from '../../src/engine/store/claim-runs.ts';
import { insertLogLines, type StoredLine } from '../../src/engine/store/end-attempt.ts';
import { storeAnswer } from '../../src/engine/store/store-answer.ts';
import type { Model, Next, Request } from './model.ts';
import { readRetryAt } from './back-off.ts';
import type { Real } from './real.ts';
import { requestOf, sentOf, type Wish, wishes, wordsOf } from './requests.ts';
import { environmentOfClaims, seldom } from './run-steps.ts';
import { answerOf, Difference, pick, type StepKind } from './step.ts';
import { epoch, type Environment, type ModelAttempt, type RunnerName, runnerNames } from './state.ts';

// What a runner and its workers do.

export interface AttemptPick {
  readonly number: number;
  /** One that holds its run; one whose run is held by a later one; or any that ever was. */
  readonly who: 'current' | 'overtaken' | 'anyone';
}

export const attemptPicks: fc.Arbitrary<AttemptPick> = fc.record({
  number: fc.nat(100),
  who: fc.oneof(
    { weight: 6, arbitrary: fc.constant<AttemptPick['who']>('current') },
    { weight: 2, arbitrary: fc.constant<AttemptPick['who']>('overtaken') },
    { weight: 1, arbitrary: fc.constant<AttemptPick['who']>('anyone') },
  ),
});

function candidates(model: Model, { who }: AttemptPick): readonly ModelAttempt[] {
  if (who === 'anyone') return model.state.attempts;
  return model.state.attempts.filter((attempt) =>
    who === 'current' ? model.holds(attempt) : !model.holds(attempt) && model.run(attempt.run).state === 'running',
  );
}

export function hasAttempt(model: Model, picked: AttemptPick): boolean {
  return candidates(model, picked).length > 0;
}

export function pickAttempt(model: Model, picked: AttemptPick): ModelAttempt {
  return pick(candidates(model, picked), picked.number);
}

export function nameOf(model: Model, attempt: ModelAttempt): string {
  return `${model.holds(attempt) ? '' : 'superseded '}attempt ${attempt.number} of ${attempt.run}`;
}

export const claim: StepKind<{
  readonly runner: RunnerName;
  readonly limit: number;
  readonly after: Environment | null;
  readonly isInVain: boolean;
}> = {
  weight: 20,
  given: fc.record({
    runner: fc.constantFrom(...runnerNames),
    limit: fc.integer({ min: 1, max: 4 }),
    after: environmentOfClaims,
    isInVain: seldom,
  }),
  // Most claims are to find something, or little would ever run.
  isPossible: (model, { runner, limit, after, isInVain }) =>
    isInVain || model.claimable(runner, { limit, after }).length > 0,
  async do({ model, real, say, compare }, { runner, limit, after }) {
    say(`${runner} claims ${limit}${after === null ? '' : `, after ${after}`}`);
    const claimed = await claimRuns(real.t.store, {
      runnerId: real.runnerId(runner),
      limit,
      after: after === null ? 0 : real.environmentId(after),
    });
    const named = new Map(model.state.runs.map(({ id, name }) => [id, name]));
    compare(
      claimed.map(({ id }) => named.get(id)),
      model.claimable(runner, { limit, after }).map(({ name }) => name),
    );
    const earlier = model.state.attempts.map(({ fence }) => BigInt(fence));
    for (const run of claimed) {
      if (earlier.some((fence) => fence >= BigInt(run.fence)))
        throw new Difference(`    ${runner} claims with fence ${run.fence}, which is not greater than all before`);
      const attempt = model.claim(named.get(run.id) ?? '', runner, run.fence);
      if (run.attempt !== attempt.number || run.attemptLimit !== attempt.limit)
        throw new Difference(
          `    ${runner} is told of attempt ${run.attempt} of ${run.attemptLimit}, not ${attempt.number} of ${attempt.limit}`,
        );
    }
  },
};

/** Its processes are still ending. */
export const answer: StepKind<{ readonly picked: AttemptPick; readonly outcome: AnswerOutcome }> = {
  weight: 6,
  given: fc.record({ picked: attemptPicks, outcome: fc.constantFrom<AnswerOutcome>('returned', 'threw') }),
  isPossible: (model, { picked }) => hasAttempt(model, picked),
  async do({ model, real, say, compare }, { picked, outcome }) {
    const attempt = pickAttempt(model, picked);
    say(`${nameOf(model, attempt)} answers: ${outcome}`);
    const { id } = model.run(attempt.run);
    const content =
      outcome === 'returned'
        ? { resultJson: '1', error: null, fingerprint: null }
        : { resultJson: null, error: { name: outcome, message: 'it threw', stack: null }, fingerprint: 'of it' };
    compare(
      await storeAnswer(real.t.store, { runId: id, fence: attempt.fence, outcome, ...content }),
      model.answer(attempt, outcome),
    );
  },
};

interface End {
  readonly picked: AttemptPick;
  readonly outcome: Outcome;
  readonly knowsOfCancel: boolean;
}

let lines = 0;

/** A line after all others. */
function line(level: 'info' | 'log', message: string): StoredLine {
  lines += 1;
  return { number: lines, at: new Date(epoch).toISOString(), level, message };
}

/** Ends of one or several attempts, which a runner stores together. */
export const finish: StepKind<readonly End[]> = {
  weight: 16,
  given: fc.array(
    fc.record({
      picked: attemptPicks,
      outcome: fc.constantFrom(...outcomes, 'killed' as const, 'killed' as const, 'exited' as const),
      knowsOfCancel: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  isPossible: (model, ends) => endsOf(model, ends).length > 0,
  async do({ model, real, say, compare }, given) {
    const ends = endsOf(model, given);
    say(
      ends
        .map(
          ({ attempt, outcome, isTold }) =>
            `${nameOf(model, attempt)} ends as ${outcome}${isTold ? ', known to be cancelled' : ''}`,
        )
        .join('; '),
    );
    const stored = await finishAttempts(
      real.t.store,
      ends.map(({ attempt, outcome, isTold }) => ({
        gone: ProcessesGone.because('ended'),
        runId: model.run(attempt.run).id,
        task: model.run(attempt.run).task,
        fence: attempt.fence,
        number: attempt.number,
        attemptLimit: attempt.limit,
        outcome,
        cancelRequested: isTold,
        resultJson: outcome === 'returned' ? '1' : null,
        error: outcome === 'returned' ? null : { name: outcome, message: 'it ended', stack: null },
        exitCode: 0,
        signal: null,
        pid: 1,
        peakMemoryBytes: 1,
        lines: [line('info', `end${attempt.number}`)],
      })),
    );
    const expected: Next[] = [];
    for (const [index, { attempt, outcome }] of ends.entries()) {
      const retryAt = stored[index] === 'scheduled' ? await readRetryAt(real, model, attempt) : null;
      model.log(attempt, [`end${attempt.number}`]);
      expected.push(model.finish(attempt, { outcome, error: outcome, retryAt }));
    }
    compare(stored, expected);
  },
};

/** Of each attempt one end; where nobody is to be picked, there is none. */
function endsOf(
  model: Model,
  given: readonly End[],
): readonly { readonly attempt: ModelAttempt; readonly outcome: Outcome; readonly isTold: boolean }[] {
  const ends = given
    .filter(({ picked }) => hasAttempt(model, picked))
    .map(({ picked, outcome, knowsOfCancel }) => {
      const attempt = pickAttempt(model, picked);
      // Its runner may not have heard yet that somebody asked for its end.
      return { attempt, outcome, isTold: model.run(attempt.run).cancelRequested && knowsOfCancel };
    });
  return ends.filter(({ attempt }, index) => ends.findIndex((each) => each.attempt.fence === attempt.fence) === index);
}

export const log: StepKind<AttemptPick> = {
  weight: 2,
  given: attemptPicks,
  isPossible: hasAttempt,
  async do({ model, real, say, compare }, picked) {
    const attempt = pickAttempt(model, picked);
    say(`${nameOf(model, attempt)} logs two lines`);
    const { id } = model.run(attempt.run);
    const stored = await insertLogLines(real.t.store, { runId: id, fence: attempt.fence, number: attempt.number }, [
      line('log', 'a'),
      line('log', 'b'),
    ]);
    compare(stored, model.log(attempt, ['a', 'b']));
  },
};

export const scheduleByAttempt: StepKind<{
  readonly picked: AttemptPick;
  readonly wishes: readonly Wish[];
  readonly isRepeated: boolean;
}> = {
  weight: 5,
  given: fc.record({
    picked: attemptPicks,
    wishes: fc.array(wishes, { minLength: 1, maxLength: 3 }),
    isRepeated: fc.boolean(),
  }),
  isPossible: (model, { picked }) => hasAttempt(model, picked),
  async do({ model, real, say, compare }, given) {
    const attempt = pickAttempt(model, given.picked);
    const { environment, id } = model.run(attempt.run);
    const requests = given.wishes.map((wish) => requestOf(wish, environment, model.state.now));
    // Only a single one is sent again by itself when its answer was lost; several are sent in a batch.
    const times = given.isRepeated && requests.length === 1 ? 2 : 1;
    say(
      `${nameOf(model, attempt)} schedules ${given.wishes.map(wordsOf).join('; ')}${times === 2 ? ', and asks again as if the answer was lost' : ''}`,
    );
    for (let time = 0; time < times; time += 1) {
      const stored = await answerOf(() =>
        scheduleAll(
          real,
          { runId: id, fence: attempt.fence, environment },
          requests.map((request, index) => sentOf(request, pick(given.wishes, index))),
        ),
      );
      const expected = await answerOf(() => model.scheduleByAttempt(attempt, requests));
      compare('refused' in stored ? stored : namesOf(model, stored), expected);
    }
  },
};

async function scheduleAll(
  real: Real,
  caller: Parameters<typeof scheduleRunsByAttempt>[1],
  runs: Parameters<typeof scheduleRunsByAttempt>[2],
): Promise<readonly string[]> {
  if (runs.length === 1) return scheduleRunsByAttempt(real.t.store, caller, runs);
  return real.t.store.transaction((db) => scheduleRunsByAttempt(db, caller, runs));
}

/** Ids as the names that the model has for them. */
export function namesOf(model: Model, ids: readonly Request['id'][]): readonly string[] {
  return ids.map((id) => model.state.runs.find((run) => run.id === id)?.name ?? id);
}
