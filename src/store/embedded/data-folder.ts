import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudCodeError } from '../../core/errors.ts';
import type { Binaries } from './find-binaries.ts';
import { commandFor, environmentFor, giveTo, type RunAs } from './run-as.ts';

/** What a start needs to know of an embedded server, kept beside its data. */
export interface Settings {
  readonly password: string;
  readonly socketFolder: string;
}

/** A Unix socket's path holds 107 bytes on Linux and 103 on macOS; the file's name takes 14. */
const maxSocketFolderBytes = 85;

function readSettings(folder: string): Settings | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')) as Settings;
  } catch {
    return null;
  }
}

/** Makes the data folder if it is not there. Another starter may do the same at the same moment: the first to be ready wins. */
export function ensureDataFolder(folder: string, runAs: RunAs, binaries: Binaries): Settings {
  const dataFolder = join(folder, 'postgres');
  const settings = readSettings(folder) ?? writeSettings(folder);
  if (!existsSync(settings.socketFolder)) mkdirSync(settings.socketFolder, { recursive: true, mode: 0o700 });
  giveTo(runAs, settings.socketFolder);
  if (existsSync(dataFolder)) checkVersion(dataFolder, binaries);
  else initialise({ folder, dataFolder, runAs, binaries, password: settings.password });
  return settings;
}

function writeSettings(folder: string): Settings {
  const near = join(folder, 'socket');
  const socketFolder = Buffer.byteLength(near) <= maxSocketFolderBytes ? near : mkdtempSync(join(tmpdir(), 'cloudcode-'));
  const settings = { password: randomBytes(24).toString('base64url'), socketFolder };
  const path = join(folder, 'postgres.json');
  try {
    writeFileSync(path, JSON.stringify(settings), { mode: 0o600, flag: 'wx' });
    return settings;
  } catch (error) {
    const other = readSettings(folder);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && other !== null) return other;
    throw failed(`The folder ${folder} cannot be written`, error);
  }
}

interface Initialise {
  readonly folder: string;
  readonly dataFolder: string;
  readonly runAs: RunAs;
  readonly binaries: Binaries;
  readonly password: string;
}

function initialise({ folder, dataFolder, runAs, binaries, password }: Initialise): void {
  const making = mkdtempSync(join(folder, 'postgres.new-'));
  const data = join(making, 'data');
  const passwordFile = join(making, 'password');
  try {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveTo(runAs, making);
    runInitdb({ runAs, binaries, data, passwordFile });
    renameSync(data, dataFolder);
  } catch (error) {
    // Another starter was faster: its data is as good.
    if (existsSync(join(dataFolder, 'PG_VERSION'))) return;
    throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function runInitdb(options: { readonly runAs: RunAs; readonly binaries: Binaries; readonly data: string; readonly passwordFile: string }): void {
  const { file, args, ...user } = commandFor(options.runAs, options.binaries, 'initdb');
  const result = spawnSync(
    file,
    [
      ...args, '-D', options.data, '--username=cloudcode', `--pwfile=${options.passwordFile}`, '--auth=scram-sha-256',
      '--encoding=UTF8', '--locale=C', '--data-checksums', '--no-instructions',
    ],
    { cwd: '/', env: environmentFor(options.binaries), encoding: 'utf8', timeout: 120_000, ...user },
  );
  if (result.status === 0) return;
  throw failed(`The embedded PostgreSQL's data could not be made: ${lastLines(result.stderr || String(result.error ?? ''))}`, result.error);
}

/** @throws CloudCodeError `embedded_other_version` */
function checkVersion(dataFolder: string, binaries: Binaries): void {
  const data = readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim();
  const answer = spawnSync(join(binaries.folder, 'postgres'), ['--version'], { env: environmentFor(binaries), encoding: 'utf8', timeout: 10_000 });
  const program = /\d+/.exec(answer.stdout)?.[0];
  if (program === undefined || program === data) return;
  throw new CloudCodeError('embedded_other_version', `The data in ${dataFolder} was made by PostgreSQL ${data}; the embedded one is PostgreSQL ${program}. Nothing was changed.`, {
    hint: `Name the programs of PostgreSQL ${data} by CLOUDCODE_POSTGRES_BIN, dump with pg_dump, move the folder away and restore; or use --database URL.`,
  });
}

export function failed(message: string, cause?: unknown): CloudCodeError {
  return new CloudCodeError('embedded_failed', message, { hint: 'Mend what it says, or name a PostgreSQL server: --database URL.', cause });
}

export function lastLines(text: string, count = 6): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
