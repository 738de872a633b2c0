import { EventEmitter, on } from 'node:events';
import type { Follower } from './handler.ts';
import type { Waiting } from './service.ts';

type Step<Result> =
  | { readonly event: 'step'; readonly data: string }
  | { readonly event: 'done'; readonly data: Result };

/** What work is at, each step once, and what came of it. */
export async function* stepsOf<Result>(
  work: (waiting: Waiting) => Promise<Result>,
  { signal }: Follower,
): AsyncGenerator<readonly Step<Result>[], void> {
  const steps = new EventEmitter();
  const told = on(steps, 'step', { close: ['end'] });
  const working = work({ signal, onStep: (step) => void steps.emit('step', step) }).finally(() => steps.emit('end'));
  // Whoever follows no longer may have gone before it is refused.
  working.catch(() => undefined);
  let last = '';
  for await (const [step] of told as AsyncIterable<[string]>) {
    if (step !== last) yield [{ event: 'step', data: step }];
    last = step;
  }
  yield [{ event: 'done', data: await working }];
}
