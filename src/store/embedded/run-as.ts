import { spawnSync } from 'node:child_process';
import { accessSync, chownSync, constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getegid, geteuid } from 'node:process';
import { CloudCodeError } from '../../core/errors.ts';
import type { Binaries } from './find-binaries.ts';

/** PostgreSQL refuses to run as root. So root runs it under another uid, or in a user namespace where root has another one. */
export type RunAs = { readonly kind: 'self' } | { readonly kind: 'uid'; readonly uid: number; readonly gid: number } | { readonly kind: 'namespace' };

/** The usual uid and gid of `nobody`. */
const nobody = 65_534;

/**
 * Chooses by trying. A data folder that is there already decides: its owner must be the one who runs it.
 * @throws CloudCodeError `embedded_unsupported` when no way works
 */
export function chooseRunAs(folder: string, dataFolder: string, binaries: Binaries): RunAs {
  const owner = ownerOf(dataFolder);
  if (geteuid?.() !== 0) {
    if (owner !== null && owner.uid !== geteuid?.()) throw foreignData(dataFolder, owner.uid);
    return { kind: 'self' };
  }
  if (owner !== null) return owner.uid === 0 ? namespace(binaries, folder) : { kind: 'uid', ...owner };
  const other = otherUser(folder);
  return works(binaries, folder, { kind: 'uid', ...other }) ? { kind: 'uid', ...other } : namespace(binaries, folder);
}

/** The command line and options that start one of PostgreSQL's programs. */
export function commandFor(runAs: RunAs, binaries: Binaries, program: 'postgres' | 'initdb'): { file: string; args: string[]; uid?: number; gid?: number } {
  const file = join(binaries.folder, program);
  switch (runAs.kind) {
    case 'self':
      return { file, args: [] };
    case 'uid':
      return { file, args: [], uid: runAs.uid, gid: runAs.gid };
    case 'namespace':
      return { file: 'unshare', args: ['--user', '--map-user=1000', '--map-group=1000', '--', file] };
  }
}

/** The environment of PostgreSQL's programs: nothing of ours but what they need. */
export function environmentFor(binaries: Binaries): Record<string, string> {
  const library = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(binaries.libraryPath === null ? {} : { [library]: binaries.libraryPath }),
  };
}

/** Gives a file or folder, with all in it, to the user that PostgreSQL runs as. */
export function giveTo(runAs: RunAs, path: string): void {
  if (runAs.kind !== 'uid') return;
  chownSync(path, runAs.uid, runAs.gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveTo(runAs, join(path, name));
}

function works(binaries: Binaries, folder: string, runAs: RunAs): boolean {
  const { file, args, ...user } = commandFor(runAs, binaries, 'postgres');
  // By a shell, because `cwd` is entered before the uid is changed: that user must be able to reach the folder and the program.
  const result = spawnSync('/bin/sh', ['-c', 'cd -- "$0" && exec "$@"', folder, file, ...args, '--version'], {
    cwd: '/', env: environmentFor(binaries), stdio: 'ignore', timeout: 10_000, ...user,
  });
  return result.status === 0;
}

function namespace(binaries: Binaries, folder: string): RunAs {
  if (works(binaries, folder, { kind: 'namespace' })) return { kind: 'namespace' };
  throw new CloudCodeError('embedded_unsupported', 'PostgreSQL does not run as root, and here root can neither run it under another user nor in a user namespace.', {
    hint: 'Run CloudCode as an ordinary user, or name a PostgreSQL server: --database URL.',
  });
}

/** The owner of the project, when that is an ordinary user: then `sudo` and the user share the data. Else nobody. */
function otherUser(folder: string): { uid: number; gid: number } {
  const { uid, gid } = statSync(dirname(folder));
  return uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid };
}

function ownerOf(path: string): { uid: number; gid: number } | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : { uid: stat.uid, gid: stat.gid };
}

function foreignData(dataFolder: string, owner: number): CloudCodeError {
  return new CloudCodeError('embedded_unsupported', `The embedded PostgreSQL's data in ${dataFolder} belongs to the user with uid ${owner}; this is uid ${geteuid?.() ?? '?'} (gid ${getegid?.() ?? '?'}).`, {
    hint: 'Run CloudCode as that user (or as root), or name a PostgreSQL server: --database URL.',
  });
}

/** @throws CloudCodeError `embedded_failed` when the folder cannot be written */
export function checkWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new CloudCodeError('embedded_failed', `The folder ${folder} cannot be written.`, {
      hint: 'Give this user the right to write there, or name a PostgreSQL server: --database URL.',
      cause,
    });
  }
}
