import fc from 'fast-check';
import { within } from './budget.ts';
import * as attemptSteps from './attempt-steps.ts';
import * as dataSteps from './data-steps.ts';
import * as leaseSteps from './lease-steps.ts';
import { Model } from './model.ts';
import type { Real } from './real.ts';
import * as runSteps from './run-steps.ts';
import { Difference, notDone, stepsOf } from './step.ts';

const anyStep = fc.oneof(
  stepsOf(runSteps.schedule),
  stepsOf(runSteps.cancel),
  stepsOf(runSteps.retry),
  stepsOf(runSteps.pause),
  stepsOf(runSteps.setPolicies),
  stepsOf(runSteps.wait),
  stepsOf(attemptSteps.claim),
  stepsOf(attemptSteps.finish),
  stepsOf(attemptSteps.log),
  stepsOf(attemptSteps.scheduleByAttempt),
  stepsOf(attemptSteps.answer),
  stepsOf(leaseSteps.take),
  stepsOf(leaseSteps.renew),
  stepsOf(leaseSteps.stop),
  stepsOf(leaseSteps.endExpired),
  stepsOf(leaseSteps.rescue),
  stepsOf(leaseSteps.forget),
  stepsOf(dataSteps.write),
  stepsOf(dataSteps.forgetBatches),
);

export interface Checking {
  readonly seed: number;
  /** No sequence begins after so long. A difference is shrunk nevertheless. */
  readonly limitMs: number;
}

/** What random sequences of steps have shown. */
export interface Checked {
  readonly sequences: number;
  readonly steps: number;
  /** Null when store and model agreed; else what to print. */
  readonly difference: string | null;
}

const sequencesPerSeed = 3;
const maxSteps = 120;
const shrinkLimitMs = 60_000;

/** Does random sequences of steps with the store and with the model, and compares the two after each step. */
export async function checkSequences(
  real: Real,
  { seed, limitMs }: Checking,
  makeModel: () => Model = () => new Model(),
): Promise<Checked> {
  const began = performance.now();
  let [sequences, steps] = [0, 0];
  const property: fc.IAsyncProperty<[Commands]> = fc.asyncProperty(
    fc.commands([anyStep], { maxCommands: maxSteps, size: 'max' }),
    async (commands) => {
      const model = await real.begin(makeModel);
      sequences += 1;
      await fc.asyncModelRun(() => ({ model, real }), commands).finally(() => (steps += inWords(commands).length));
    },
  );
  for (let batch = 0; performance.now() - began < limitMs; batch += 1) {
    const details = await fc.check<[Commands]>(property, {
      seed: seed + batch,
      numRuns: sequencesPerSeed,
      unbiased: true,
      plugins: [within(shrinkLimitMs)],
    });
    if (details.failed) return { sequences, steps, difference: print(details) };
  }
  return { sequences, steps, difference: null };
}

type Commands = Iterable<fc.AsyncCommand<Model, Real>>;

function inWords(commands: Commands): readonly string[] {
  return [...commands].map(String).filter((words) => words !== notDone);
}

function print({ counterexample, errorInstance, seed, numShrinks }: fc.RunDetails<[Commands]>): string {
  const lines = inWords(counterexample?.[0] ?? []);
  return [
    `Store and model differ after ${lines.length} steps (shrunk ${numShrinks} times; CLOUDCODE_TEST_SEED=${seed} repeats it):`,
    ...lines.map((line, index) => `${index + 1}. ${line}`),
    errorInstance instanceof Difference
      ? errorInstance.message
      : errorInstance instanceof Error
        ? (errorInstance.stack ?? errorInstance.message)
        : String(errorInstance),
  ].join('\n');
}
