import { readNextWakeMs } from '../store/claim-runs.ts';
import type { Store } from '../store/open-store.ts';
import type { Claimer } from './claim-due.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';

export interface ClaimingOptions {
  readonly store: Store;
  readonly claimer: Claimer;
  /** From one look to the next at most. */
  readonly pollMs: number;
  readonly mayClaim: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** How long after an error the next try is. */
const errorPauseMs = 1000;

/** Claims due runs while there is a free slot: when it is woken, when the next one is due, and by itself every `pollMs`. */
export function startClaiming({ store, claimer, pollMs, mayClaim, onError }: ClaimingOptions): IntervalLoop {
  /** Pause before the next look, where something is due again and again and is not to be had: somebody has locked it. */
  let lockedMs = 0;
  /** Nothing is known to be due, and nobody has said anything: to ask when the next is costs less than a claim. */
  let isPoll = false;
  const readNextMs = async (): Promise<number> => Math.min((await readNextWakeMs(store)) ?? pollMs, pollMs);
  const claim = async (): Promise<number> => {
    const free = claimer.free();
    if (!mayClaim() || free <= 0) return Infinity;
    const claimed = await claimer.claim(free);
    if (claimed === free) return Infinity;
    const nextMs = await readNextMs();
    const waitMs = claimed === 0 && nextMs === 0 ? lockedMs : nextMs;
    lockedMs = claimed === 0 && nextMs === 0 ? Math.min(2 * lockedMs + 25, pollMs) : 0;
    return waitMs;
  };
  const loop = startLoop({
    async turn() {
      const nextMs = isPoll ? await readNextMs() : 0;
      isPoll = false;
      const waitMs = nextMs > 0 ? nextMs : await claim();
      isPoll = waitMs === pollMs;
      return waitMs;
    },
    onError(error) {
      onError(error);
      return errorPauseMs;
    },
  });
  return {
    ...loop,
    wake() {
      isPoll = false;
      loop.wake();
    },
  };
}
