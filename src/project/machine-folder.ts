import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { geteuid } from 'node:process';
import { CloudCodeError } from '../engine/core/errors.ts';
import { removeLeftFolders, shareFolder } from './shared-folder.ts';
import { codeOf } from '../engine/core/thrown.ts';
import { sha256 } from '../contents/sha256.ts';

/** What says where the files of a machine go: bundles, records of servers, the embedded store. */
export interface MachineFolderOptions {
  /** The project's folder. */
  readonly project: string;
  /** The folder that was asked for; else it is `.cloudcode` in the project's. */
  readonly data?: string | undefined;
  /** Whether the embedded store is there: then it must last. */
  readonly isEmbedded: boolean;
}

export interface MachineFolder {
  readonly folder: string;
  /** Why it is a temporary one; null when it is not. */
  readonly temporaryBecause: string | null;
  /** To be called when this process needs it no more: a temporary one goes with the last that does. */
  leave(): void;
}

/** What says that a folder is not to be written to; a full disk may have room again. */
const unwritable: readonly (string | null)[] = ['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOENT'];

const temporaryPrefix = 'cloudcode-files-';

/**
 * Makes the folder for the files of this machine, if it is not there. Where the project's cannot be written and nothing in it must last, it is one of this user alone
 * in the system's folder for temporary files; such ones whose processes are gone are removed there.
 * @throws CloudCodeError `folder_not_writable`
 */
export function makeMachineFolder({ project, data, isEmbedded }: MachineFolderOptions): MachineFolder {
  const folder = wantedFolder({ project, data });
  const because = whyUnwritable(folder);
  removeLeftFolders(tmpdir(), (name, path) => name.startsWith(temporaryPrefix) && isOwn(path));
  if (because === null) return { folder, temporaryBecause: null, leave: () => undefined };
  const what = `The folder ${folder} cannot be written (${because})`;
  if (isEmbedded) {
    throw new CloudCodeError('folder_not_writable', `${what}, and the embedded PostgreSQL would keep its data there.`, {
      hint: 'Name a folder that lasts with --data DIR (CLOUDCODE_DATA), or use a PostgreSQL of your own with --database URL.',
    });
  }
  if (data !== undefined)
    throw new CloudCodeError('folder_not_writable', `${what}.`, {
      hint: 'Name another one with --data DIR (CLOUDCODE_DATA).',
    });
  const temporary = temporaryFolder(project);
  const wrong = whyUnwritable(temporary, 0o700) ?? (isOwn(temporary) ? null : 'it is not for this user alone');
  if (wrong === null) return { folder: temporary, temporaryBecause: because, leave: shareFolder(temporary) };
  throw new CloudCodeError('folder_not_writable', `${what}, and ${temporary} cannot stand in for it (${wrong}).`, {
    hint: 'Name a folder with --data DIR (CLOUDCODE_DATA).',
  });
}

/** Where servers of a project may have left their records. */
export function recordFolders({ project, data }: Pick<MachineFolderOptions, 'project' | 'data'>): readonly string[] {
  const temporary = temporaryFolder(project);
  return data === undefined && isOwn(temporary)
    ? [wantedFolder({ project, data }), temporary]
    : [wantedFolder({ project, data })];
}

/** The folder for the files of this machine, made or not. */
export function wantedFolder({ project, data }: Pick<MachineFolderOptions, 'project' | 'data'>): string {
  return data === undefined ? join(project, '.cloudcode') : resolve(data);
}

function temporaryFolder(project: string): string {
  const name = sha256(`${project}\0${geteuid?.()}`).slice(0, 20);
  return join(tmpdir(), `${temporaryPrefix}${name}`);
}

/** Makes the folder on the way. */
function whyUnwritable(folder: string, mode = 0o777): string | null {
  try {
    // Asked first: for a place that can only be read mkdir says ENOENT.
    accessSync(nearestExisting(folder), constants.W_OK | constants.X_OK);
    mkdirSync(folder, { recursive: true, mode });
    return null;
  } catch (error) {
    const code = codeOf(error);
    return unwritable.includes(code) ? code : null;
  }
}

function nearestExisting(folder: string): string {
  const parent = dirname(folder);
  return parent === folder || existsSync(folder) ? folder : nearestExisting(parent);
}

/** What is in it is executed: nobody else may write there, or have put it there. */
function isOwn(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === geteuid?.() && (stat.mode & 0o077) === 0;
}
