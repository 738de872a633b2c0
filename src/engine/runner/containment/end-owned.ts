import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { OwnedProcess, Scan } from './process-table.ts';
import { hasEnded, HiddenProcess, readStat } from './proc-files.ts';

/** So many unclear scans follow each other at once. */
const hastyScans = 10;
const unclearPauseMs = 5;
const slowestPauseMs = 50;
const stuckAfterMs = 5_000;
/** So long, and so often, no scan was clear: where this process hardly gets to run, the time alone says nothing. */
const unprovenAfterMs = 5_000;
const unprovenAfterScans = 100;

interface EndOwned {
  readonly owner: string;
  scan(): Scan | Promise<Scan>;
  /** Called every 5 s with those that still live although they were sent SIGKILL. */
  onStuck(pids: readonly number[]): void;
}

/**
 * Sends SIGKILL to every process of the owner and resolves when a whole scan has found none alive (a zombie is gone: it runs no code and holds no file).
 *
 * Between listing the ids and looking at each, a process may start another and end. So a scan in which a process could not be told proves nothing, however many there are: on a machine where
 * others start and end without pause it takes a few more.
 *
 * @throws when a scan fails, or none of a hundred in 5 s was clear: nothing is known then
 */
export async function endOwned({ owner, scan, onStuck }: EndOwned): Promise<void> {
  let seen: ReadonlySet<number> = new Set();
  let unclear = 0;
  let provenBy = performance.now() + unprovenAfterMs;
  let pauseMs = 1;
  let stuckAt = performance.now() + stuckAfterMs;
  for (;;) {
    const { processes, isClear } = await scan();
    const owned = processes.filter((process) => process.owner === owner);
    const living = owned.filter((process) => process.isAlive);
    if (living.length === 0) {
      if (isClear) return;
      unclear += 1;
      if (performance.now() > provenBy && unclear > unprovenAfterScans)
        throw new Error('For 5 s no look at the processes was whole: others start and end all the time.');
      await (unclear <= hastyScans ? nextTurn() : delay(unclearPauseMs));
      continue;
    }
    unclear = 0;
    provenBy = performance.now() + unprovenAfterMs;
    kill(living, owned);
    if (performance.now() > stuckAt) {
      stuckAt += stuckAfterMs;
      onStuck(living.map(({ pid }) => pid));
    }
    // New ones: something is breeding, so do not let it get ahead. The same ones: they are on their way out.
    if (living.some(({ pid }) => !seen.has(pid))) pauseMs = 1;
    else pauseMs = Math.min(pauseMs * 2, slowestPauseMs);
    seen = new Set(living.map(({ pid }) => pid));
    await delay(pauseMs);
  }
}

function kill(living: readonly OwnedProcess[], owned: readonly OwnedProcess[]): void {
  // Whole groups first: the kernel signals a group at one instant, so that none of it can fork away. Only groups led by one of ours: a worker that
  // was not given a group of its own shares the runner's.
  const leaders = new Set(owned.map(({ pid }) => pid));
  for (const pgid of new Set(living.map((process) => process.pgid))) if (leaders.has(pgid)) send(-pgid, 'SIGKILL');
  for (const { pid } of living) send(pid, 'SIGKILL');
}

/** Sends a signal; a process that is gone, or is not ours to signal, is no error here: the next scan shows what is left. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH, EPERM
  }
}

/**
 * Ends a waiting worker that could not be contained, and resolves when it is gone: it has run no code of a task, so that it is alone.
 * @throws when it cannot be looked at, as when no file can be opened
 */
export async function endAlone(pid: number): Promise<void> {
  const startTicks = startOf(pid);
  while (!hasEnded(pid, startTicks)) {
    send(pid, 'SIGKILL');
    await delay(1);
  }
}

/** Null when it is gone already, or hides. */
function startOf(pid: number): number | null {
  try {
    return readStat(pid)?.startTicks ?? null;
  } catch (error) {
    if (error instanceof HiddenProcess) return null;
    throw error;
  }
}
