import { availableParallelism } from 'node:os';
import type { PoolMachine } from './worker-pool.ts';

/** To ask for it reads several files, which costs a tenth of a millisecond. */
const memoryLookMs = 1_000;

export function thisMachine(): PoolMachine {
  let lookedAt = -Infinity;
  let bytes = 0;
  return {
    processors: availableParallelism(),
    availableBytes() {
      const now = performance.now();
      if (now - lookedAt >= memoryLookMs) {
        lookedAt = now;
        bytes = process.availableMemory();
      }
      return bytes;
    },
    now: () => performance.now(),
  };
}
