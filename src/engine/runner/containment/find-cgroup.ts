import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pid as ownPid } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyFolder, foldersIn, isPopulated, removeFolder } from './cgroup-folder.ts';
import { hasEnded, readStat } from './proc-files.ts';

/**
 * Makes the cgroup for a runner's workers below the cgroup that the runner is in, and tries it on a real process: a folder can often be made where processes may not be moved.
 * Rejects with the reason when this machine does not allow it.
 */
export async function makeRunnerCgroup(runnerId: string): Promise<string> {
  const parent = ownCgroup();
  if (parent === null) throw new Error('No file system of the type cgroup2 shows the cgroup of this process.');
  await endLeftovers(parent);
  const folder = join(parent, `cloudcode-${pidNamespace()}-${ownPid}-${readStat(ownPid)?.startTicks ?? 0}-${runnerId}`);
  mkdirSync(folder);
  try {
    await tryOut(join(folder, 'trial'));
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
  return folder;
}

/** The folder of this process's own cgroup; null when it is not to be seen. */
export function ownCgroup(): string | null {
  return findCgroup(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
}

/** The same, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. */
export function findCgroup(mountinfo: string, cgroup: string): string | null {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  if (path === undefined) return null;
  for (const line of mountinfo.split('\n')) {
    // "31 23 0:28 <root> <mount point> <options> [optional fields] - <type> <source> <options>"; spaces in paths are written \040
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [root = '', point = ''] = mount
      .split(' ')
      .slice(3)
      .map((field) => field.replaceAll('\\040', ' '));
    if (!filesystem.startsWith('cgroup2 ')) continue;
    const inside =
      root === '/' ? path : path === root ? '/' : path.startsWith(`${root}/`) ? path.slice(root.length) : null;
    // "/../x": the process is outside of what its cgroup namespace shows
    if (inside !== null && !inside.split('/').includes('..')) return join(point, inside);
  }
  return null;
}

async function tryOut(folder: string): Promise<void> {
  mkdirSync(folder);
  const child = spawn('/bin/sh', ['-c', 'read _'], { stdio: ['pipe', 'ignore', 'ignore'], env: {}, detached: true });
  try {
    await once(child, 'spawn');
    const ended = once(child, 'exit');
    writeFileSync(join(folder, 'cgroup.procs'), String(child.pid));
    if (!isPopulated(folder)) throw new Error(`A process moved to ${folder} did not arrive there.`);
    writeFileSync(join(folder, 'cgroup.kill'), '1'); // Linux 5.14 and later
    await Promise.race([ended, delay(2_000, undefined, { ref: false })]);
    if (isPopulated(folder)) throw new Error(`A process in ${folder} lives on after cgroup.kill.`);
    removeFolder(folder);
  } finally {
    child.kill('SIGKILL');
  }
}

/**
 * Cgroups of runners that are gone. Their guards have ended what was in them, unless the guard was killed too: then what still lives there has nobody who
 * would ever end it. Only names of our own making, and only of our pid namespace, where the id and start time in the name tell whether that runner lives.
 */
async function endLeftovers(parent: string): Promise<void> {
  const namespace = pidNamespace();
  for (const folder of foldersIn(parent)) {
    const match = /^cloudcode-(\d+)-(\d+)-(\d+)-[0-9a-f-]+$/.exec(basename(folder));
    if (match === null || match[1] !== namespace) continue;
    if (!hasEnded(Number(match[2]), Number(match[3]))) continue;
    // A process that cannot die, or not be looked at, must not keep a new runner from starting.
    await Promise.race([
      emptyFolder(folder, () => undefined).catch(() => undefined),
      delay(1_000, undefined, { ref: false }),
    ]);
    removeFolder(folder);
  }
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}
