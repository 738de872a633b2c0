import { env } from 'node:process';
import fc from 'fast-check';

// How long the model-based tests look for a difference, and where they begin.

/** `CLOUDCODE_TEST_MODEL_SECONDS=240 node --test test/model/sequences.test.ts` looks longer. */
export function budgetMs(usual: number): number {
  const given = Number(env['CLOUDCODE_TEST_MODEL_SECONDS']);
  return given > 0 ? given * 1000 : usual;
}

/** Another one each time, unless a failure is to be repeated. */
export function chooseSeed(): number {
  const given = env['CLOUDCODE_TEST_SEED'];
  return given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}

/** Begins no case after so long. (The library's own type of it fits no property.) */
export function within<Values>(limitMs: number): fc.Plugin<Values> {
  return fc.interruptAfterTimeLimit(limitMs) as fc.Plugin<Values>;
}
