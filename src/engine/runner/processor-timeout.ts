import { readFileSync } from 'node:fs';
import { readStat } from './containment/proc-files.ts';

interface ProcessorTimeout {
  /** The process that is waited for. */
  readonly pid: number;
  readonly timeoutMs: number;
  readonly maxMs: number;
}

const lookMs = 50;

/**
 * Calls `onOver` after `timeoutMs`, in which no time counts that the process, or this one, was ready to run and had no processor; after `maxMs` in any case.
 * (The kernel's own count of that, `run_delay`, grows only when the wait is over.)
 * @returns what stops it
 */
export function startProcessorTimeout({ pid, timeoutMs, maxMs }: ProcessorTimeout, onOver: () => void): () => void {
  const startedAt = performance.now();
  let [counted, last, lastRun] = [0, startedAt, processorMs(pid)];
  const timer = setInterval(() => {
    const now = performance.now();
    const run = processorMs(pid);
    // A look that is late is the wait of this process.
    const has = run === null || lastRun === null || !isReady(pid) ? Infinity : run - lastRun;
    counted += Math.min(now - last, lookMs, has);
    [last, lastRun] = [now, run];
    if (counted < timeoutMs && now - startedAt < maxMs) return;
    clearInterval(timer);
    onOver();
  }, lookMs);
  return () => clearInterval(timer);
}

/** How long the main thread of a process has run; null where the kernel does not say. */
function processorMs(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6;
  } catch {
    return null;
  }
}

/** Whether it runs or could; unknown is no. */
function isReady(pid: number): boolean {
  try {
    return readStat(pid)?.state === 'R';
  } catch {
    return false;
  }
}
