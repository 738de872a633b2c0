import fc from 'fast-check';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { describe, factsOf } from './describe.ts';
import { type Model, Refusal } from './model.ts';
import { readFacts } from './read-store.ts';
import type { Real } from './real.ts';

/** The words of a step that was not possible. */
export const notDone = 'not done';

/** Store and model say different things. */
export class Difference extends Error {
  override readonly name = 'Difference';
}

export interface Scene {
  readonly model: Model;
  readonly real: Real;
  /** Says in words what is done, before it is done. */
  say(words: string): void;
  /** What store and model answer. Throws when it is not the same. */
  compare(store: unknown, model: unknown): void;
}

/** One kind of thing that may happen. */
export interface StepKind<Given> {
  readonly given: fc.Arbitrary<Given>;
  /** How often, beside the others. */
  readonly weight: number;
  isPossible(model: Model, given: Given): boolean;
  do(scene: Scene, given: Given): Promise<void>;
}

/** A thing that happens to the store and to the model; afterwards both hold the same. */
class Step<Given> implements fc.AsyncCommand<Model, Real> {
  readonly #kind: StepKind<Given>;
  readonly #given: Given;
  #said = notDone;

  constructor(kind: StepKind<Given>, given: Given) {
    this.#kind = kind;
    this.#given = given;
  }

  check(model: Model): boolean {
    return this.#kind.isPossible(model, this.#given);
  }

  async run(model: Model, real: Real): Promise<void> {
    const compare = (store: unknown, given: unknown): void => {
      const [stored, expected] = [store, given].map((answer) => JSON.stringify(answer));
      this.#said += `: ${expected}`;
      if (stored !== expected) throw new Difference(`    the store answers ${stored}`);
    };
    await this.#kind.do({ model, real, compare, say: (words) => void (this.#said = words) }, this.#given);
    const [stored, expected] = [describe(await readFacts(real, model)), describe(factsOf(model))];
    const onlyStored = stored.filter((line) => !expected.includes(line)).map((line) => `    store: ${line}`);
    const onlyExpected = expected.filter((line) => !stored.includes(line)).map((line) => `    model: ${line}`);
    if (onlyStored.length + onlyExpected.length > 0 || stored.length !== expected.length)
      throw new Difference([...onlyStored, ...onlyExpected].join('\n'));
  }

  // It is told in the words of its last execution, and the tries of a shrinking must not share them.
  [fc.cloneMethod](): Step<Given> {
    return new Step(this.#kind, this.#given);
  }

  toString(): string {
    return this.#said;
  }
}

export function stepsOf<Given>(kind: StepKind<Given>): {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<fc.AsyncCommand<Model, Real>>;
} {
  return { weight: kind.weight, arbitrary: kind.given.map((given) => new Step(kind, given)) };
}

/** The answer of an operation, or the code of its refusal. */
export async function answerOf<Answer>(
  operation: () => Answer | Promise<Answer>,
): Promise<Answer | { readonly refused: string }> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.message };
    if (error instanceof CloudCodeError) return { refused: error.code };
    throw error;
  }
}

/** One of a list, by any number. */
export function pick<Item>(items: readonly Item[], number: number): Item {
  const item = items[number % items.length];
  if (item === undefined) throw new Error('there is none to pick');
  return item;
}
