import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Backend } from '../client/backend.ts';
import { parseDatabaseUrl } from '../engine/core/database-url.ts';
import { CloudCodeError } from '../engine/core/errors.ts';
import { addressOf } from '../service/api/operation.ts';
import { project } from '../service/api/project.ts';
import type { GlobalOptions } from './invocation.ts';
import type { Deployable } from './schedule-or-deploy.ts';

/** What a command works on. */
export interface Resolved {
  readonly backend: Backend;
  /** Null for a server, and outside a project. */
  readonly deployable: Deployable | null;
  close(): Promise<void>;
}

export type Target =
  /** `servesFolder`: it was started in the project's folder. */
  | { readonly kind: 'server'; readonly url: string; readonly hint?: string; readonly servesFolder?: true }
  | { readonly kind: 'database'; readonly url: string; readonly folder: string | null }
  | { readonly kind: 'embedded'; readonly folder: string };

const answerWithinMs = 2000;
const defaultUrl = 'http://127.0.0.1:4000';

/**
 * Finds what a command works on, the first that applies: --url, --database, a recorded server that answers and serves this project, the
 * project's embedded store, outside a project the default address. Opens nothing.
 * @throws CloudCodeError `wrong_usage`, `project_not_found`
 */
export async function findTarget(global: GlobalOptions): Promise<Target> {
  if (global.url !== undefined)
    return { kind: 'server', url: checkUrl(global.url, ['http:', 'https:'], 'http://127.0.0.1:4000') };
  const folder = projectFolder(global);
  if (global.database !== undefined) return { kind: 'database', url: checkDatabaseUrl(global.database), folder };
  if (folder === null)
    return {
      kind: 'server',
      url: defaultUrl,
      hint: `It was asked because ${resolve(global.project)} is no CloudCode project. Go into one, name its folder with --project, or make one with \`cloudcode init\`.`,
    };
  const url = await findRecordedServer(folder, global);
  return url === null ? { kind: 'embedded', folder } : { kind: 'server', url, servesFolder: true };
}

export async function resolveBackend(global: GlobalOptions): Promise<Resolved> {
  const target = await findTarget(global);
  if (target.kind === 'server') {
    const { httpBackend } = await import('../client/http-backend.ts');
    const backend = httpBackend({
      url: target.url,
      token: global.token,
      environment: global.environment,
      hint: target.hint,
    });
    return { backend, deployable: null, close: async () => undefined };
  }
  const [{ openFolderStore }, { storeBackend }, { environmentData, readDeployedState: readState }, { checkStart }] =
    await Promise.all([
      import('../main/open-store.ts'),
      import('./store-backend.ts'),
      import('../main/environment-data.ts'),
      import('../main/check-start.ts'),
    ]);
  const databaseUrl = target.kind === 'database' ? target.url : undefined;
  const opened = await openFolderStore({
    folder: target.folder ?? '.',
    data: global.data,
    databaseUrl,
    masterKey: global.masterKey,
  });
  const { environment } = global;
  const deployable =
    target.folder === null
      ? null
      : { store: opened.store, folder: target.folder, environment, isShared: target.kind === 'database' };
  return {
    backend: storeBackend(opened.store, environment, { keys: opened.keys, environmentData, readState, checkStart }),
    deployable,
    close: opened.close,
  };
}

/** @throws CloudCodeError `wrong_usage`, `invalid_database_url` */
export function checkDatabaseUrl(url: string): string {
  parseDatabaseUrl(checkUrl(url, ['postgres:', 'postgresql:'], 'postgres://user:password@host/database'));
  return url;
}

function checkUrl(url: string, protocols: readonly string[], example: string): string {
  const protocol = /^([a-z]+:)\/\//i.exec(url)?.[1]?.toLowerCase();
  if (protocol !== undefined && protocols.includes(protocol)) return url;
  const at = url.lastIndexOf('@');
  const shown = at === -1 ? url : `${protocol === undefined ? '' : `${protocol}//`}…${url.slice(at)}`;
  throw new CloudCodeError('wrong_usage', `${JSON.stringify(shown)} is not the kind of URL that is wanted here.`, {
    hint: `Write it like ${example}`,
  });
}

/** The project's folder with symbolic links resolved; null outside a project, when none was asked for. */
function projectFolder(global: GlobalOptions): string | null {
  const folder = resolve(global.project);
  if (['cloudcode', '.cloudcode'].some((name) => existsSync(join(folder, name)))) return realpathSync(folder);
  return global.projectGiven ? refuseFolder(folder) : null;
}

/** @throws CloudCodeError `project_not_found`, also when no folder was asked for */
export function requireProject(global: GlobalOptions): string {
  return projectFolder(global) ?? refuseFolder(resolve(global.project));
}

function refuseFolder(folder: string): never {
  throw new CloudCodeError(
    'project_not_found',
    `${folder} is no CloudCode project: it has no folder named cloudcode.`,
    {
      hint: 'Make a new project with `cloudcode init`, or name the folder of one with --project.',
    },
  );
}

async function findRecordedServer(folder: string, { environment, data }: GlobalOptions): Promise<string | null> {
  const [{ readServerRecords }, { recordFolders }] = await Promise.all([
    import('../project/server-records.ts'),
    import('../project/machine-folder.ts'),
  ]);
  const records = (await Promise.all(recordFolders({ project: folder, data }).map(readServerRecords))).flat();
  if (records.length === 0) return null;
  const asked = records.map(async ({ url }) => {
    if (await servesProject(url, folder, environment)) return url;
    throw new Error('another one');
  });
  return Promise.any(asked).catch(() => null);
}

async function servesProject(url: string, folder: string, environment: string): Promise<boolean> {
  try {
    const response = await fetch(new URL(addressOf(project.show, { environment }), url), {
      signal: AbortSignal.timeout(answerWithinMs),
      redirect: 'error',
    });
    return project.show.answer.parse(await response.json()).folder === folder;
  } catch {
    return false;
  }
}
