import { accessSync, constants, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { dataFolderOf, ensureData } from './data-folder.ts';
import { failed } from './failed.ts';
import { findBinaries } from './find-binaries.ts';
import { holdServer } from './hold-server.ts';
import { type JoinedServer, joinServer } from './join-server.ts';
import { connectKeeper, urlOf } from './keeper.ts';
import { chooseRunAs, giveToProject } from './run-as.ts';
import { keepLogBounded } from './server-log.ts';
import { postmasterPid } from './server-process.ts';
import { makeSettings, readSettings, type Settings } from './settings.ts';

/** A project's own PostgreSQL server, shared by all processes that started it for the same folder. One that dies is started again. */
export interface EmbeddedServer extends AsyncDisposable {
  /** For the `pg` driver; holds the password. */
  readonly url: string;
  readonly folder: string;
  /** False when it ran already. */
  readonly startedHere: boolean;
  readonly postmasterPid: number;
  /** Stops the server when nobody else uses it. Until then the server stays, but keeps no process alive. */
  release(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL of a `.cloudcode` folder, or joins the one that runs.
 * @throws CloudCodeError `embedded_failed`, `embedded_unsupported`, `embedded_other_version`
 */
export async function startEmbeddedServer(options: { readonly folder: string }): Promise<EmbeddedServer> {
  const folder = makeFolder(options.folder);
  const settings = readSettings(folder) ?? makeSettings(folder);
  const join = async (): Promise<JoinedServer> =>
    (await joinRunning(folder, settings)) ?? joinServer(prepare(folder, settings));
  const { keeper, startedHere } = await join();
  const held = holdServer(keeper, folder, async () => (await join()).keeper);
  const log = keepLogBounded(folder);
  let released: Promise<void> | null = null;
  const release = (): Promise<void> => {
    log.stop();
    return (released ??= held.release());
  };
  return {
    url: urlOf(settings, 'cloudcode'),
    folder,
    startedHere,
    postmasterPid: postmasterPid(folder) ?? 0,
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** The way of most commands beside a running server: no program needs to be started. */
async function joinRunning(folder: string, settings: Settings): Promise<JoinedServer | null> {
  if (!existsSync(join(dataFolderOf(folder), 'postmaster.pid'))) return null;
  const keeper = await connectKeeper(settings);
  return keeper instanceof pg.Client ? { keeper, startedHere: false } : null;
}

function prepare(folder: string, settings: Settings): Parameters<typeof joinServer>[0] {
  const binaries = findBinaries(join(folder, 'lib'));
  // There is none for programs that are not the package's.
  if (binaries.libraryPath !== null) giveToProject(folder, join(folder, 'lib'));
  const runAs = chooseRunAs(folder, dataFolderOf(folder), binaries);
  ensureData({ folder, runAs, binaries, password: settings.password });
  return { folder, settings, runAs, binaries };
}

function makeFolder(path: string): string {
  try {
    const isNew = mkdirSync(path, { recursive: true }) !== undefined;
    accessSync(path, constants.W_OK | constants.X_OK);
    const folder = realpathSync(path);
    if (isNew) giveToProject(folder, folder);
    const ignore = join(folder, '.gitignore');
    if (!existsSync(ignore)) {
      writeFileSync(ignore, '*\n');
      giveToProject(folder, ignore);
    }
    return folder;
  } catch (error) {
    throw failed(
      `The folder ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}
