import type { Container } from './containment/containment.ts';

const firstLookMs = 100;
const calmLookMs = 250;
const tenseLookMs = 25;

export interface MemoryWatch {
  /** The most seen so far; 0 when nothing was looked at. */
  peakBytes(): number;
  /** `lookAgain`: once more, at what is about to be ended. */
  stop(options: { readonly lookAgain: boolean }): void;
}

/** Looks at the memory of an attempt's processes, more often as it nears the limit, and tells once when they are over it. */
export function watchMemory(
  container: Container,
  memoryMb: number,
  onOver: (used: { readonly bytes: number; readonly processes: number }) => void,
): MemoryWatch {
  const limit = memoryMb * 1024 * 1024;
  let peak = 0;
  // A look that fails, as when no file can be opened, tells nothing; the next one does.
  const orZero = (read: () => number): number => {
    try {
      return read();
    } catch {
      return 0;
    }
  };
  const see = (): number => {
    const bytes = orZero(() => container.memoryBytes(limit));
    peak = Math.max(peak, bytes);
    return bytes;
  };
  const look = (): void => {
    const bytes = see();
    if (bytes > limit) return onOver({ bytes, processes: orZero(() => container.pids().length) });
    timer = setTimeout(look, bytes > limit * 0.6 ? tenseLookMs : calmLookMs);
  };
  let timer = setTimeout(look, firstLookMs);
  return {
    peakBytes: () => peak,
    stop({ lookAgain }) {
      clearTimeout(timer);
      if (lookAgain) see();
    },
  };
}
