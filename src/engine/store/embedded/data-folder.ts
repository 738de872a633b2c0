import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CloudCodeError } from '../../core/errors.ts';
import { failed, lastLines } from './failed.ts';
import { type Binaries, environmentFor } from './find-binaries.ts';
import { asKnownUser, commandFor, giveTo, type RunAs } from './run-as.ts';

/** Longer than any initdb takes: what is older was left by one that was killed. */
const abandonedAfterMs = 10 * 60_000;

interface DataFolder {
  /** The `.cloudcode` folder. */
  readonly folder: string;
  readonly runAs: RunAs;
  readonly binaries: Binaries;
  readonly password: string;
}

export function dataFolderOf(folder: string): string {
  return join(folder, 'postgres');
}

/** Makes the data if there are none. Another starter may do the same at the same moment: the first to be ready wins. */
export function ensureData(wanted: DataFolder): void {
  const dataFolder = dataFolderOf(wanted.folder);
  const names = existsSync(dataFolder) ? readdirSync(dataFolder) : [];
  if (names.length === 0) initialise(wanted, dataFolder);
  else checkVersion(dataFolder, wanted.binaries);
}

/** Makes the data beside their place and renames: who is killed here leaves nothing half made. */
function initialise({ folder, runAs, binaries, password }: DataFolder, dataFolder: string): void {
  removeAbandoned(folder);
  let making: string | null = null;
  try {
    making = mkdtempSync(join(folder, 'postgres.new-'));
    const data = join(making, 'data');
    const passwordFile = join(making, 'password');
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveTo(runAs, making);
    runInitdb({ runAs, binaries, data, passwordFile });
    renameSync(data, dataFolder);
    writeThrough(folder);
  } catch (error) {
    // Another starter was faster: its data is as good.
    if (existsSync(join(dataFolder, 'PG_VERSION'))) return;
    throw error instanceof CloudCodeError
      ? error
      : failed(`The embedded PostgreSQL's data could not be made: ${(error as Error).message}`, error);
  } finally {
    if (making !== null) rmSync(making, { recursive: true, force: true });
  }
}

function runInitdb(options: {
  readonly runAs: RunAs;
  readonly binaries: Binaries;
  readonly data: string;
  readonly passwordFile: string;
}): void {
  const command = commandFor(options.runAs, options.binaries, 'initdb');
  const run = ({ file, args, ...user }: typeof command) =>
    spawnSync(
      file,
      [
        ...args,
        '-D',
        options.data,
        '--username=cloudcode',
        `--pwfile=${options.passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--data-checksums',
        '--no-instructions',
      ],
      { cwd: '/', env: environmentFor(options.binaries), encoding: 'utf8', timeout: 120_000, ...user },
    );
  let result = run(command);
  if (result.stderr.includes('could not look up effective user ID')) result = run(asKnownUser(command));
  if (result.status === 0) return;
  throw failed(
    `The embedded PostgreSQL's data could not be made: ${lastLines(result.stderr) || String(result.error ?? result.signal)}`,
    result.error,
  );
}

/** @throws CloudCodeError `embedded_other_version` */
function checkVersion(dataFolder: string, binaries: Binaries): void {
  const data = readVersion(dataFolder);
  const answer = spawnSync(join(binaries.folder, 'postgres'), ['--version'], {
    env: environmentFor(binaries),
    encoding: 'utf8',
    timeout: 10_000,
  });
  const program = /\d+/.exec(answer.stdout)?.[0];
  if (program === undefined)
    throw failed(
      `PostgreSQL in ${binaries.folder} does not run: ${lastLines(answer.stderr) || String(answer.error ?? answer.signal)}`,
      answer.error,
    );
  if (program === data) return;
  throw new CloudCodeError(
    'embedded_other_version',
    `The data in ${dataFolder} was made by PostgreSQL ${data}; the embedded one is PostgreSQL ${program}. Nothing was changed.`,
    {
      hint: `Name the programs of PostgreSQL ${data} by CLOUDCODE_POSTGRES_BIN, dump with pg_dump, move the folder away and restore; or use --database URL.`,
    },
  );
}

function readVersion(dataFolder: string): string {
  try {
    return readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    throw failed(`The folder ${dataFolder} holds no complete PostgreSQL data: ${(error as Error).message}`, error);
  }
}

function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => each.startsWith('postgres.new-'))) {
    const path = join(folder, name);
    const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changedAt > abandonedAfterMs) rmSync(path, { recursive: true, force: true });
  }
}

/** A rename is on the disk when its folder is. */
function writeThrough(folder: string): void {
  const file = openSync(folder, 'r');
  fsyncSync(file);
  closeSync(file);
}
