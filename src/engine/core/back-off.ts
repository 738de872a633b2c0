const firstDelayMs = 1_000;
const maxDelayMs = 300_000;

/**
 * How long to wait before the next attempt, in milliseconds: doubling from one second after the first attempt, at most five minutes,
 * plus up to a fifth of it at random, so that runs which failed together do not come back together.
 * `random` is a number from 0 up to 1.
 */
export function backOffMs(attemptNumber: number, random: number): number {
  const doubled = firstDelayMs * 2 ** Math.min(attemptNumber - 1, 30);
  return withJitter(Math.min(doubled, maxDelayMs), random);
}

/** How long to wait after an attempt that did not count, in milliseconds. It does not grow: the machine at fault claims nothing meanwhile. */
export function postponeMs(random: number): number {
  return withJitter(firstDelayMs, random);
}

function withJitter(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 + random / 5));
}
