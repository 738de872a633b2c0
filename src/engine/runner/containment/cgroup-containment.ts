import { mkdirSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyFolder, hasFolders, isGone, isPopulated, openProcs, pidsIn, removeFolder } from './cgroup-folder.ts';
import type { Container, Containment, ContainmentListener, Log } from './containment.ts';
import { endAlone, send } from './end-owned.ts';
import { killForSure } from './kill-for-sure.ts';
import { memoryOf } from './process-memory.ts';
import { countUnkilled, type Unkilled } from './unkilled.ts';
import { codeOf } from '../../core/thrown.ts';

const writeTo = promisify(write);

/**
 * One cgroup for the runner's workers together (the guard ends them by it) and in it one for each worker. What a worker starts is born into its cgroup and stays there, whatever it does to
 * its session, parent or environment.
 *
 * The folders are used again: an empty one cannot be told from a new one, and making and removing one takes the kernel's one lock for all cgroups, for which we would
 * wait while another worker is being moved.
 */
export function openCgroupContainment({
  folder,
  ...listener
}: { readonly folder: string } & ContainmentListener): Containment {
  const { log } = listener;
  const unkilled = countUnkilled(listener);
  const free: string[] = [];
  let made = 0;
  return {
    mechanism: 'cgroup',
    cgroupPath: folder,
    contain: (workerId, pid) =>
      containerOf({
        workerId,
        pid,
        folder: free.pop() ?? join(folder, `worker-${++made}`),
        log,
        unkilled,
        giveBack: (path) => free.push(path),
      }),
    unproven: unkilled.count,
    close: () => void removeFolder(folder),
  };
}

interface Parts {
  readonly workerId: string;
  readonly pid: number;
  readonly folder: string;
  readonly log: Log;
  readonly unkilled: Unkilled;
  giveBack(folder: string): void;
}

function containerOf({ workerId, pid, folder, log, unkilled, giveBack }: Parts): Container {
  let state: 'moving' | 'inside' | 'outside' | 'closed' = 'moving';
  const ready = moveInto(folder, pid).then(
    () => {
      if (state === 'moving') state = 'inside';
    },
    (cause: unknown) => {
      if (state === 'moving') state = 'outside';
      throw cause;
    },
  );
  const settled = ready.catch(() => undefined);
  // Once closed, the folder may be another worker's.
  const pids = (): number[] => (state === 'closed' ? [] : pidsIn(folder));
  const trouble = unkilled.of({ workerId, cgroupPath: folder });
  let hasFailed = false;
  const kill = async (): Promise<void> => {
    await settled;
    if (state === 'closed') return;
    if (state === 'outside') await endAlone(pid);
    await emptyFolder(folder, (stuck) =>
      log(`Worker ${workerId}: processes ${stuck.join(', ')} live on after SIGKILL. Its queue waits for them.`),
    );
  };
  return {
    ready,
    pids,
    signal(signal) {
      for (const each of pids()) send(each, signal);
    },
    killAll: () =>
      killForSure(kill, {
        ...trouble,
        failed(error) {
          hasFailed = true;
          trouble.failed(error);
        },
      }),
    memoryBytes: (confirmAbove) => memoryOf(pids(), confirmAbove),
    close() {
      if (state === 'closed') return;
      const wasMoving = state === 'moving';
      state = 'closed';
      if (wasMoving) return;
      // Folders that a task made below would make every later kill slower.
      // The guard, which was asked to kill what is in it, may do so late.
      try {
        if (isPopulated(folder)) return;
        if (hasFailed || hasFolders(folder)) removeFolder(folder);
        else giveBack(folder);
      } catch {
        // It cannot be looked at now: it is not used again.
      }
    },
  };
}

/**
 * Writing a process id to `cgroup.procs` costs little, but waits for the kernel's other processors: 0.1 ms in a row, 5 to 17 ms (measured) when the last move was
 * longer ago. So it is done on a thread of Node's pool, and the runner's loop goes on.
 */
async function moveInto(folder: string, pid: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const procs = openProcs(folder);
      try {
        await writeTo(procs.file, String(pid));
      } finally {
        procs.close();
      }
      return;
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return; // it has ended already: there is nothing to contain
      if (!isGone(error) || attempt === 2) throw error;
      mkdirSync(folder, { recursive: true }); // a new one, or somebody tidied up the empty folder
    }
  }
}
