import { begin } from '../_witness.ts';

export const config = { maxAttempts: 2, timeoutMs: 700 };

/** Takes longer than it may, with an event loop that turns or one that is blocked. */
export async function run({ isBusy }: { readonly isBusy: boolean }): Promise<never> {
  await begin();
  // The busy one is bounded, should the limit fail.
  for (const until = performance.now() + 20_000; isBusy && performance.now() < until;);
  return new Promise<never>(() => setInterval(() => undefined, 1000));
}
