import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geteuid, pid } from 'node:process';
import { failed } from './failed.ts';
import { giveTo, giveToProject, type RunAs } from './run-as.ts';

/** What one must know to reach an embedded server. */
export interface Settings {
  readonly password: string;
  readonly socketFolder: string;
}

/** A Unix socket's path holds 107 bytes on Linux and 103 on macOS; the file's name takes 14. */
const maxSocketFolderBytes = 85;

export function readSettings(folder: string): Settings | null {
  const text = readIfThere(join(folder, 'postgres.json'));
  if (text === null) return null;
  const password = passwordIn(text);
  if (password === null) throw failed(`${join(folder, 'postgres.json')} is damaged: it holds no password.`);
  return { password, socketFolder: socketFolderOf(folder, password) };
}

/** Makes the password. It is on the disk before any data has it, and two starters at once get the same. */
export function makeSettings(folder: string): Settings {
  const path = join(folder, 'postgres.json');
  const making = `${path}.${pid}`;
  try {
    writeDurably(making, JSON.stringify({ password: randomBytes(24).toString('base64url') }));
    giveToProject(folder, making);
    linkSync(making, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw failed(`The folder ${folder} cannot be written: ${(error as Error).message}`, error);
  } finally {
    rmSync(making, { force: true });
  }
  const settings = readSettings(folder);
  if (settings === null) throw failed(`${path} has gone again.`);
  return settings;
}

/** Makes the folder of the socket, which only the server's user (and root) can enter. */
export function makeSocketFolder({ socketFolder }: Settings, runAs: RunAs): void {
  try {
    mkdirSync(socketFolder, { mode: 0o700 });
    giveTo(runAs, socketFolder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw failed(`The folder ${socketFolder} cannot be made: ${(error as Error).message}`, error);
    const { uid, mode } = lstatSync(socketFolder);
    const user = runAs.kind === 'uid' ? runAs.uid : geteuid?.();
    if (geteuid?.() === 0 && uid !== user) giveTo(runAs, socketFolder);
    else if (uid !== user || (mode & 0o077) !== 0)
      throw failed(`The folder ${socketFolder} is not for this user alone.`);
  }
}

/**
 * The socket is in the `.cloudcode` folder, or in /tmp when that path is too long.
 * It follows from the folder's path and so is never that of the project from which this one was copied; nobody guesses it without the password.
 */
function socketFolderOf(folder: string, password: string): string {
  const near = join(folder, 'socket');
  if (Buffer.byteLength(near) <= maxSocketFolderBytes) return near;
  const name = createHash('sha256').update(`${password}\0${folder}`).digest('hex').slice(0, 20);
  return join(temporaryFolder(), `cloudcode-${name}`);
}

/** Not TMPDIR when that can be helped: two commands that have different ones must find the same server. */
function temporaryFolder(): string {
  try {
    accessSync('/tmp', constants.W_OK | constants.X_OK);
    return '/tmp';
  } catch {
    return tmpdir();
  }
}

function passwordIn(text: string): string | null {
  try {
    const { password } = JSON.parse(text) as { password?: unknown };
    return typeof password === 'string' ? password : null;
  } catch {
    return null;
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw failed(`${path} cannot be read: ${(error as Error).message}`, error);
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
