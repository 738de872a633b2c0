import { spawnSync } from 'node:child_process';
import { lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getegid, geteuid } from 'node:process';
import { CloudCodeError } from '../../core/errors.ts';
import { type Binaries, environmentFor } from './find-binaries.ts';

/** PostgreSQL refuses to run as root. So root runs it under another uid, or in a user namespace where root has another one. */
export type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'uid'; readonly uid: number; readonly gid: number }
  | { readonly kind: 'namespace' };

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** The usual uid and gid of `nobody`. */
const nobody = 65_534;
/** initdb wants its user to be in /etc/passwd, where `nobody` is everywhere. */
const unshare: readonly string[] = ['--user', `--map-user=${nobody}`, `--map-group=${nobody}`, '--'];

/**
 * Chooses by trying. A data folder's owner says which way was taken before: that one is tried first.
 * @throws CloudCodeError `embedded_unsupported` when no way works
 */
export function chooseRunAs(folder: string, dataFolder: string, binaries: Binaries): RunAs {
  const owner = statSync(dataFolder, { throwIfNoEntry: false });
  if (geteuid?.() !== 0) {
    if (owner !== undefined && owner.uid !== geteuid?.()) throw foreignData(dataFolder, owner.uid);
    return { kind: 'self' };
  }
  const namespace: RunAs = { kind: 'namespace' };
  const other: RunAs = { kind: 'uid', ...otherUser(folder) };
  const before: RunAs | undefined =
    owner === undefined ? undefined : owner.uid === 0 ? namespace : { kind: 'uid', uid: owner.uid, gid: owner.gid };
  const ways = before === undefined ? [other, namespace] : [before, other, namespace];
  const way = ways.find((each) => works(binaries, folder, each));
  if (way === undefined) throw noWay();
  // The data was copied, or the folder's permissions have changed.
  if (owner !== undefined && way !== before) giveTo(way, dataFolder);
  return way;
}

/** The command that starts one of PostgreSQL's programs. */
export function commandFor(runAs: RunAs, binaries: Binaries, program: 'postgres' | 'initdb'): Command {
  return commandAs(runAs, [join(binaries.folder, program)]);
}

/** The same command for a user whom /etc/passwd does not know, as containers have them. */
export function asKnownUser(command: Command): Command {
  return { ...command, file: 'unshare', args: [...unshare, command.file, ...command.args] };
}

function commandAs(runAs: RunAs, [file = '', ...args]: readonly string[]): Command {
  switch (runAs.kind) {
    case 'self':
      return { file, args };
    case 'uid':
      return { file, args, uid: runAs.uid, gid: runAs.gid };
    case 'namespace':
      return asKnownUser({ file, args });
  }
}

/** Gives a file or folder, with all in it, to the user that PostgreSQL runs as. Follows no link, and a folder comes last: nobody else can put one in meanwhile. */
export function giveTo(runAs: RunAs, path: string): void {
  if (runAs.kind === 'self') return;
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveTo(runAs, join(path, name));
  if (runAs.kind === 'uid') lchownSync(path, runAs.uid, runAs.gid);
  else lchownSync(path, 0, 0);
}

/** What root makes in an ordinary user's project belongs to that user, who may come without root the next time. */
export function giveToProject(folder: string, path: string): void {
  if (geteuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(folder));
  if (uid !== 0) lchownSync(path, uid, gid);
}

/** Whether PostgreSQL's program runs this way, and comes into the folder. (Node itself would enter a `cwd` while it is still root.) */
function works(binaries: Binaries, folder: string, runAs: RunAs): boolean {
  const { file, args, ...user } = commandAs(runAs, [
    '/bin/sh',
    '-c',
    'cd -- "$0" && exec "$1" --version',
    folder,
    join(binaries.folder, 'postgres'),
  ]);
  return (
    spawnSync(file, args, { cwd: '/', env: environmentFor(binaries), stdio: 'ignore', timeout: 10_000, ...user })
      .status === 0
  );
}

/** The owner of the project, when that is an ordinary user: then `sudo` and the user share the data. Else nobody. */
function otherUser(folder: string): { uid: number; gid: number } {
  const { uid, gid } = statSync(dirname(folder));
  return uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid };
}

function noWay(): CloudCodeError {
  return new CloudCodeError(
    'embedded_unsupported',
    'PostgreSQL does not run as root, and here root can neither run it under another user nor in a user namespace.',
    {
      hint: 'Run CloudCode as an ordinary user, or name a PostgreSQL server: --database URL.',
    },
  );
}

function foreignData(dataFolder: string, owner: number): CloudCodeError {
  return new CloudCodeError(
    'embedded_unsupported',
    `The embedded PostgreSQL's data in ${dataFolder} belongs to the user with uid ${owner}; this is uid ${geteuid?.() ?? '?'} (gid ${getegid?.() ?? '?'}).`,
    {
      hint: 'Run CloudCode as that user (or as root), or name a PostgreSQL server: --database URL.',
    },
  );
}
