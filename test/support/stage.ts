import { rmSync } from 'node:fs';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { deployable } from '../../src/main/deployable.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { endLeftovers } from '../../src/engine/runner/containment/end-leftovers.ts';
import { isAlive, listPids, readEnviron, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { useNativeSpawn } from './native-spawn.ts';
import { migratedDatabase, type TestDatabase } from './postgres.ts';
import { type RunnerProcess, type RunnerProcessOptions, startRunnerProcess } from './runner-process.ts';
import { writeProject } from './runtime.ts';

/** A project on a fresh database, or a given one that is empty, for runners in processes of their own. */
export interface Stage extends AsyncDisposable {
  readonly store: Store;
  readonly url: string;
  /** The project's. */
  readonly folder: string;
  /** @param options `url`: of a proxy before the database */
  start(options?: RunnerProcessOptions & { readonly url?: string }): Promise<RunnerProcess>;
}

export async function openStage(
  tasks: Readonly<Record<string, string>>,
  given?: Pick<TestDatabase, 'url'>,
): Promise<Stage> {
  const folder = writeProject(tasks);
  await useNativeSpawn(folder);
  const database = given === undefined ? await migratedDatabase() : { ...given, dispose: () => Promise.resolve() };
  const store = await openStore({ url: database.url });
  if (given !== undefined) await migrate(store);
  await deployProject(store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
  const runners: RunnerProcess[] = [];
  return {
    store,
    url: database.url,
    folder,
    async start({ url = database.url, ...options } = {}) {
      const runner = await startRunnerProcess(url, folder, options);
      runners.push(runner);
      return runner;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(runners.map(endForGood));
      await store.close();
      await database.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ends a runner and all that belongs to it, stopped or not. */
async function endForGood(runner: RunnerProcess): Promise<void> {
  await runner.kill('SIGKILL');
  const guard = guardOf(runner.id);
  if (guard !== null) process.kill(guard, 'SIGKILL');
  await endLeftovers(runner.id);
}

/** How often a runner renewed its lease, and how long ago that ended, by the database's clock. */
export async function leaseOf(
  { store }: Stage,
  runnerId: string,
): Promise<{ readonly renewals: number; readonly overdueMs: number }> {
  const [row] = await store.query<{ renewals: number; overdueMs: number }>({
    name: '',
    text: `select renewals::integer as renewals, extract(epoch from clock_timestamp() - lease_expires_at)::float * 1000 as "overdueMs" from cloudcode.runners where id = '${runnerId}'`,
  });
  return row ?? { renewals: 0, overdueMs: 0 };
}

/** Living processes of the runner's workers: by the mark they inherit. */
export function processesOf(runnerId: string): number[] {
  return listPids().filter(
    (pid) => isAlive(readStat(pid)) && (readEnviron(pid) ?? '').includes(`CLOUDCODE_RUNNER=${runnerId}`),
  );
}

/** The living guard of a runner; null while there is none. */
export function guardOf(runnerId: string): number | null {
  return (
    listPids().find(
      (pid) => isAlive(readStat(pid)) && (readEnviron(pid) ?? '').includes(`CLOUDCODE_GUARD_OF=${runnerId}`),
    ) ?? null
  );
}
