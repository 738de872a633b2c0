import { execFileSync } from 'node:child_process';
import { platform } from 'node:process';
import { readSmallFile } from './proc-files.ts';

/**
 * As much a process counts for at least. What the kernel holds for it (its tables, stacks and files) shows nowhere, and is what a task takes from the others that starts processes
 * without end: so a limit of memory is one of their number as well.
 */
const minBytes = 1024 * 1024;

/**
 * The memory of some processes, in bytes; see `Container.memoryBytes`. Measured for a Node process: `status` 0.03 ms, `smaps_rollup` 1 ms and more. So the
 * first is read every time and the second only to confirm that a limit was passed. File pages (the program itself, mapped files) do not count: the kernel can drop them.
 */
export function memoryOf(pids: readonly number[], confirmAbove = Infinity): number {
  if (platform !== 'linux') return Math.max(pids.length * minBytes, memoryByPs(pids));
  const quick = sum(
    pids.map((pid) => atLeast(sumOfFields(`/proc/${pid}/status`, /^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB/gm))),
  );
  // Their number alone may be too large.
  if (quick <= confirmAbove || pids.length * minBytes > confirmAbove) return quick;
  const exact = pids.map((pid) =>
    sumOfFields(`/proc/${pid}/smaps_rollup`, /^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB/gm),
  );
  // Zero: a kernel without smaps_rollup, or processes of another user.
  return sum(exact) === 0 ? quick : sum(exact.map(atLeast));
}

function atLeast(bytes: number): number {
  return Math.max(bytes, minBytes);
}

function sumOfFields(path: string, pattern: RegExp): number {
  const text = readSmallFile(path) ?? '';
  return sum(Array.from(text.matchAll(pattern), (match) => Number(match[1]))) * 1024;
}

function memoryByPs(pids: readonly number[]): number {
  if (pids.length === 0) return 0;
  try {
    const text = execFileSync('ps', ['-o', 'rss=', '-p', pids.join(',')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return sum(text.trim().split(/\s+/).map(Number)) * 1024;
  } catch {
    return 0; // ps answers with 1 when none of the processes lives any more
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
