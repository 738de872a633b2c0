import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** The kernel's unit of CPU time in /proc: USER_HZ, 100 on every architecture this runs on. */
const ticksPerSecond = 100;

export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** Its own CPU time and that of the children it has waited for. */
  readonly cpuSeconds: number;
}

/** The processes with these ids and all their descendants, from /proc; none where there is no /proc (macOS). */
export function readProcessTree(roots: readonly number[]): readonly TreeProcess[] {
  if (!existsSync('/proc/self/stat')) return [];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));
  const inside = new Set(roots);
  let size: number;
  do {
    size = inside.size;
    for (const { pid, parent } of all) if (inside.has(parent)) inside.add(pid);
  } while (inside.size > size);
  return all.filter(({ pid }) => inside.has(pid));
}

function readProcess(pid: number): TreeProcess[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything; the fields after it are numbers.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, position) => sum + (fields[position] ?? 0), 0);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return [{ pid, parent: fields[1] ?? 0, command, cpuSeconds: ticks / ticksPerSecond }];
  } catch {
    return []; // it ended while we looked
  }
}

/** Memory of a process with its share of what it shares with others (PSS), in bytes; 0 when it has ended. */
export function readMemoryBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
