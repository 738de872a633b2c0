import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import type { Settings } from './data-folder.ts';
import type { Binaries } from './find-binaries.ts';
import { commandFor, environmentFor, giveTo, type RunAs } from './run-as.ts';

const keptLogBytes = 5_000_000;

export interface Postmaster {
  readonly folder: string;
  readonly settings: Settings;
  readonly runAs: RunAs;
  readonly binaries: Binaries;
}

/** Modest, because it shares the machine with the tasks; durable, because that is what it is for. */
const serverSettings: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '64MB',
  jit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '512MB',
  bgwriter_delay: '1s',
  wal_writer_delay: '500ms',
  autovacuum_naptime: '30s',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/** Starts the server in a session of its own: it outlives a Ctrl-C, so that its users can drain first. Resolves when it has ended again. */
export function startPostmaster({ folder, settings, runAs, binaries }: Postmaster): { readonly exited: Promise<void> } {
  const logFile = logFileOf(folder);
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > keptLogBytes) rmSync(logFile, { force: true });
  const log = openSync(logFile, 'a', 0o600);
  giveTo(runAs, logFile);
  const { file, args, ...user } = commandFor(runAs, binaries, 'postgres');
  const options = Object.entries({ ...serverSettings, unix_socket_directories: settings.socketFolder }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(file, [...args, '-D', join(folder, 'postgres'), ...options], {
    cwd: '/', env: environmentFor(binaries), detached: true, stdio: ['ignore', log, log], ...user,
  });
  child.unref();
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return { exited };
}

export function logFileOf(folder: string): string {
  return join(folder, 'postgres.log');
}

/** The pid in postmaster.pid, or null when there is none. */
export function postmasterPid(folder: string): number | null {
  try {
    const pid = Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** After a crash another program may have got the pid in postmaster.pid; PostgreSQL takes it for a server and refuses to start. */
export function removeForeignPidFile(folder: string): boolean {
  const pid = postmasterPid(folder);
  if (pid === null || !existsSync('/proc/self/cmdline')) return false;
  const command = readCommand(pid);
  if (command === null || /postgres|postmaster|unshare/.test(command)) return false;
  rmSync(join(folder, 'postgres', 'postmaster.pid'), { force: true });
  return true;
}

function readCommand(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? '';
  } catch {
    return null;
  }
}

/** Fast shutdown: sessions are ended, everything is written. Resolves when the server is gone. */
export async function stopPostmaster(folder: string, withinMs: number): Promise<void> {
  const pid = postmasterPid(folder);
  if (pid === null) return;
  const end = performance.now() + withinMs;
  signal(pid, 'SIGINT');
  while (postmasterPid(folder) === pid && isAlive(pid) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    kill(pid, name);
  } catch {
    // It is gone already.
  }
}

function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
