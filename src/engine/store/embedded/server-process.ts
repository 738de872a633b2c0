import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kill, pid as ownPid } from 'node:process';
import { dataFolderOf } from './data-folder.ts';

const endsWithinMs = 1000;
const emptyForMs = 2000;

/** The pid in postmaster.pid, or null when there is none. */
export function postmasterPid(folder: string): number | null {
  return pidIn(join(dataFolderOf(folder), 'postmaster.pid'));
}

/** Fast shutdown: sessions are ended, everything is written. Resolves when the server is gone, or when the time has passed. */
export async function stopPostmaster(folder: string, withinMs: number): Promise<void> {
  const pid = postmasterPid(folder);
  if (pid === null || !servesData(pid, dataFolderOf(folder))) return;
  signal(pid, 'SIGINT');
  await until(withinMs, () => postmasterPid(folder) !== pid || !isAlive(pid));
  // It removes its pid file as one of the last things it does.
  await until(endsWithinMs, () => !isAlive(pid));
}

/**
 * PostgreSQL refuses to start when a process has the pid in a lock file, whatever that process is: after a crash another program may have got
 * the pid, and a copied folder names the server of the folder it was copied from. The same with a file that is empty, as a power failure leaves it. Removes such a file.
 */
export function removeStaleLock(path: string, folder: string): void {
  const pid = pidIn(path);
  const isStale = pid === null ? wasLeftEmpty(path) : isAlive(pid) && !servesData(pid, dataFolderOf(folder));
  if (!isStale) return;
  const aside = `${path}.${ownPid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  // Another starter's server may have put its own file there since: then it comes back.
  if (pidIn(aside) !== pid && !existsSync(path)) linkSync(aside, path);
  rmSync(aside, { force: true });
}

/** A server that starts makes its file empty, and fills it in the same moment. */
function wasLeftEmpty(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  return file?.size === 0 && Date.now() - file.mtimeMs > emptyForMs;
}

function pidIn(path: string): number | null {
  try {
    const pid = Math.abs(Number(readFileSync(path, 'utf8').split('\n')[0]));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether the process is a PostgreSQL server for these data: it works in their folder. */
function servesData(pid: number, dataFolder: string): boolean {
  const command = readCommand(pid);
  if (!/postgres|postmaster|unshare/.test(command)) return false;
  try {
    const [at, data] = [statSync(`/proc/${pid}/cwd`), statSync(dataFolder)];
    // A server that has just been spawned is not there yet, but its command names the folder.
    return (at.dev === data.dev && at.ino === data.ino) || command.includes(dataFolder);
  } catch {
    return command.includes(dataFolder);
  }
}

function readCommand(pid: number): string {
  if (!existsSync('/proc/self/cmdline'))
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', timeout: 5000 }).stdout;
  return readProc(pid, 'cmdline');
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** False for a zombie too: whose parent takes no notice, as a container's first process may, stays one. */
function isAlive(pid: number): boolean {
  if (/^\d+ \(.*\) Z/s.test(readProc(pid, 'stat'))) return false;
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    kill(pid, name);
  } catch {
    // It is gone already.
  }
}

async function until(withinMs: number, isSo: () => boolean): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
