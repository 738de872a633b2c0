import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { dataFolderOf } from './data-folder.ts';
import { failed } from './failed.ts';
import { type Binaries, environmentFor } from './find-binaries.ts';
import { commandFor, type RunAs } from './run-as.ts';
import { logSize, openLog, readLogOf } from './server-log.ts';
import { makeSocketFolder, type Settings } from './settings.ts';

export interface Postmaster {
  readonly folder: string;
  readonly settings: Settings;
  readonly runAs: RunAs;
  readonly binaries: Binaries;
}

/** A server that was started here, though it may turn out that another one has the data. */
export interface StartedPostmaster {
  readonly pid: number | undefined;
  readonly hasExited: () => boolean;
  /** What it wrote, its last lines. */
  readonly readLog: () => string;
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
  max_logical_replication_workers: '0',
  max_wal_size: '512MB',
  bgwriter_delay: '1s',
  wal_writer_delay: '500ms',
  autovacuum_naptime: '30s',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/** Starts the server in a session of its own: it outlives a Ctrl-C, so that its users can drain first. */
export function startPostmaster({ folder, settings, runAs, binaries }: Postmaster): StartedPostmaster {
  makeSocketFolder(settings, runAs);
  const log = open(folder, runAs);
  const offset = logSize(folder);
  const { file, args, ...user } = commandFor(runAs, binaries, 'postgres');
  const all = { ...serverSettings, unix_socket_directories: quote(settings.socketFolder) };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(file, [...args, '-D', dataFolderOf(folder), ...options], {
    cwd: '/',
    env: environmentFor(binaries),
    detached: true,
    stdio: ['ignore', log, log],
    ...user,
  });
  child.unref();
  closeSync(log);
  let error: Error | undefined;
  child.once('error', (cause) => (error = cause));
  const hasExited = (): boolean => error !== undefined || child.exitCode !== null || child.signalCode !== null;
  const howItEnded = (): string =>
    hasExited()
      ? `It was ended by ${child.signalCode ?? `exit status ${String(child.exitCode)}`}.`
      : 'It runs, and has said nothing.';
  return {
    pid: child.pid,
    hasExited,
    readLog: () => error?.message ?? (readLogOf(folder, child.pid, offset) || howItEnded()),
  };
}

function open(folder: string, runAs: RunAs): number {
  try {
    return openLog(folder, runAs);
  } catch (error) {
    throw failed(`The embedded PostgreSQL's log cannot be written: ${(error as Error).message}`, error);
  }
}

/** The setting is a list, in which a comma would end the path. */
function quote(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
