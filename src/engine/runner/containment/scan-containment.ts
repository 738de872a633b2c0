import { pid as ownPid, platform } from 'node:process';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Container, Containment, ContainmentListener, Log } from './containment.ts';
import { endAlone, endOwned, send } from './end-owned.ts';
import { killForSure, type KillTrouble } from './kill-for-sure.ts';
import { hasEnded, readSmallFile, readStat, variableOf } from './proc-files.ts';
import { memoryOf } from './process-memory.ts';
import { ProcessTable, type Roots, type Scan } from './process-table.ts';
import { scanByPs } from './ps-table.ts';
import { countUnkilled } from './unkilled.ts';
import { messageOf } from '../../core/thrown.ts';

/** A list this old is good enough to watch memory and to ask processes to end. */
const freshMs = 20;

/**
 * The containment for machines that give us no cgroup. A worker's processes are: what descends from it, what is in its session or process group (so start it
 * `detached`), and what has its id as `CLOUDCODE_ATTEMPT` in its environment.
 */
export function openScanContainment({
  runnerId,
  ...listener
}: { readonly runnerId: string } & ContainmentListener): Containment {
  const { log } = listener;
  const unkilled = countUnkilled(listener);
  const roots = new Map<number, { readonly owner: string; readonly startTicks: number }>();
  const scans = shareScans(roots, runnerId);
  return {
    mechanism: 'scan',
    cgroupPath: null,
    contain(workerId, pid) {
      const begun = startOf(pid);
      if ('startTicks' in begun) roots.set(pid, { owner: workerId, startTicks: begun.startTicks });
      const close = (): void => {
        if (roots.get(pid)?.owner === workerId) roots.delete(pid);
      };
      return containerOf({
        workerId,
        pid,
        begun,
        scans,
        log,
        trouble: unkilled.of({ workerId, cgroupPath: null }),
        close,
      });
    },
    unproven: unkilled.count,
    close() {
      // nothing is held
    },
  };
}

interface Parts {
  readonly workerId: string;
  readonly pid: number;
  readonly begun: Begun;
  readonly scans: Scans;
  readonly log: Log;
  readonly trouble: KillTrouble;
  close(): void;
}

/** When a worker began, which tells it from a later process with its id; or why that is not known. */
type Begun = { readonly startTicks: number } | { readonly error: Error };

function startOf(pid: number): Begun {
  try {
    return { startTicks: (platform === 'linux' ? readStat(pid)?.startTicks : undefined) ?? 0 };
  } catch (cause) {
    return {
      error: new Error(`Worker process ${pid} cannot be looked at: ${messageOf(cause)}`, { cause }),
    };
  }
}

function containerOf({ workerId, pid, begun, scans, log, trouble, close }: Parts): Container {
  const pids = (): number[] =>
    scans.recent().processes.flatMap(({ pid, owner, isAlive }) => (owner === workerId && isAlive ? [pid] : []));
  const kill = async (): Promise<void> => {
    await ('error' in begun ? endAlone(pid) : endChildless(pid, begun.startTicks));
    await endOwned({
      owner: workerId,
      scan: scans.next,
      onStuck: (stuck) =>
        log(`Worker ${workerId}: processes ${stuck.join(', ')} live on after SIGKILL. Its queue waits for them.`),
    });
  };
  // One that cannot be told from others is not to be given a run.
  const ready = 'error' in begun ? Promise.reject(begun.error) : Promise.resolve();
  ready.catch(() => undefined);
  return {
    ready,
    pids,
    signal(signal) {
      for (const pid of pids()) send(pid, signal);
    },
    killAll: () => killForSure(kill, trouble),
    memoryBytes: (confirmAbove) => memoryOf(pids(), confirmAbove),
    close,
  };
}

/**
 * The ordinary case, a worker that has no children, is ended before the first scan, so that one scan does. One that has children is left to the scan: killing it first would
 * cut the ties by which they are found.
 */
async function endChildless(pid: number, startTicks: number): Promise<void> {
  for (let round = 0; round < 10; round++) {
    if (platform !== 'linux' || hasEnded(pid, startTicks)) return;
    if (round === 0 && readSmallFile(`/proc/${pid}/task/${pid}/children`) !== '') return;
    if (round === 0) send(pid, 'SIGKILL');
    await (round < 3 ? nextTurn() : delay(1));
  }
}

interface Scans {
  /** A scan of the last 20 ms. */
  recent(): Scan;
  /** A scan that begins after this call. Workers that end together share one. */
  next(): Promise<Scan>;
}

function shareScans(roots: Roots, runnerId: string): Scans {
  const ownerOf = (environ: string): string | null =>
    variableOf(environ, 'CLOUDCODE_RUNNER') === runnerId ? variableOf(environ, 'CLOUDCODE_ATTEMPT') : null;
  const table = new ProcessTable({
    ownerOf,
    sinceTicks: (platform === 'linux' ? readStat(ownPid)?.startTicks : undefined) ?? 0,
  });
  let last: { readonly scan: Scan; readonly at: number } | null = null;
  let pending: Promise<Scan> | null = null;
  const scan = (): Scan => {
    const found = platform === 'linux' ? table.scan(roots) : scanByPs(roots, ownerOf);
    last = { scan: found, at: performance.now() };
    return found;
  };
  return {
    recent: () => (last !== null && performance.now() - last.at < freshMs ? last.scan : scan()),
    next: () =>
      (pending ??= nextTurn().then(() => {
        pending = null;
        return scan();
      })),
  };
}
