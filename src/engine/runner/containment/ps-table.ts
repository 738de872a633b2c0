import { execFileSync } from 'node:child_process';
import { pid as ownPid } from 'node:process';
import type { OwnedProcess, Roots, Scan } from './process-table.ts';

/**
 * Finds the processes of our workers where there is no `/proc` (macOS), by `ps`, which shows the environment of one's own processes there.
 * It blocks for 10 ms and more: good enough for development. It has not been run on a Mac.
 * @throws when `ps` fails
 */
export function scanByPs(roots: Roots, ownerOf: (environ: string) => string | null): Scan {
  const text = execFileSync('ps', ['-axEww', '-o', 'pid=,ppid=,pgid=,stat=,command='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let isWhole = true;
  const rows = text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s(.*)$/.exec(line);
    if (match === null) isWhole &&= line.trim() === '';
    if (match === null || Number(match[1]) === ownPid) return [];
    return [
      {
        pid: Number(match[1]),
        ppid: Number(match[2]),
        pgid: Number(match[3]),
        isAlive: match[4]?.startsWith('Z') === false,
        environ: match[5] ?? '',
      },
    ];
  });
  const owners = new Map<number, string>(Array.from(roots, ([pid, root]) => [pid, root.owner]));
  for (const row of rows) {
    // Arguments and environment are joined by blanks here, not by U+0000.
    const owner = ownerOf(row.environ.replaceAll(' ', '\0'));
    if (owner !== null) owners.set(row.pid, owner);
  }
  let before: number;
  do {
    before = owners.size;
    for (const row of rows) {
      const owner = owners.get(row.pid) ?? owners.get(row.ppid) ?? owners.get(row.pgid);
      if (owner !== undefined) owners.set(row.pid, owner);
    }
  } while (owners.size > before);
  const processes = rows.flatMap(({ pid, pgid, isAlive }): OwnedProcess[] => {
    const owner = owners.get(pid);
    return owner === undefined ? [] : [{ pid, pgid, isAlive, owner }];
  });
  return { processes, isClear: isWhole };
}
