import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { dataExtension } from '../../src/data/extension.ts';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import type { WorkerStart } from '../../src/engine/core/task-config.ts';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { deployable } from '../../src/main/deployable.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { readLogs } from '../../src/engine/operations/logs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { buildProject } from '../../src/project/build-project.ts';
import type { RunnerEvent } from '../../src/engine/runner/events.ts';
import type { MasterKeys } from '../../src/engine/operations/master-key.ts';
import { type Runner, startRunner } from '../../src/engine/runner/start-runner.ts';
import { chooseWorkerStart } from '../../src/engine/runner/worker-start.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { useNativeSpawn } from './native-spawn.ts';
import { migratedDatabase } from './postgres.ts';
import { until } from './until.ts';

export { until };

export interface Runtime extends AsyncDisposable {
  readonly store: Store;
  readonly url: string;
  readonly folder: string;
  readonly runner: Runner;
  readonly events: RunnerEvent[];
  /** Whether its workers are forked. */
  readonly isForking: boolean;
  schedule(task: string, options?: Record<string, unknown>): Promise<Run>;
  /** Waits until the run is finished. */
  ended(run: Run | string, withinMs?: number): Promise<Run>;
  /** Schedules a run and waits until it is over. */
  run(task: string, options?: Record<string, unknown>): Promise<Run>;
  /** Waits for an attempt of the run to be running and to have printed a line. */
  printed(run: Run, line: string): Promise<void>;
  messages(run: Run): Promise<string[]>;
}

/** A project of these files (`name` is short for cloudcode/name/index.ts), on a fresh database. */
export function writeProject(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test '));
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name.includes('.') ? name : `cloudcode/${name}/index.ts`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

/** A real runner in this process, with real workers, on a fresh database. */
export async function startRuntime(
  files: Readonly<Record<string, string>>,
  options: { readonly concurrency?: number; readonly workerStart?: WorkerStart; readonly keys?: MasterKeys } = {},
): Promise<Runtime> {
  const folder = writeProject(files);
  await useNativeSpawn(folder);
  const database = await migratedDatabase();
  const store = await openStore({ url: database.url });
  await deployProject(store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
  const events: RunnerEvent[] = [];
  const workerStart = chooseWorkerStart(options.workerStart);
  const runner = await startRunner({
    store,
    keys: options.keys,
    folder,
    extension: dataExtension,
    workerStart,
    concurrency: options.concurrency,
    onEvent: (event) => events.push(event),
  });
  if (workerStart === 'fork')
    await until(
      20_000,
      'the fork server is ready',
      () => events.some(({ kind }) => kind === 'fork_server_ready') || null,
    );
  const ended = async (run: Run | string, withinMs = 30_000): Promise<Run> => {
    const id = typeof run === 'string' ? run : run.id;
    return until(withinMs, `run ${id} is finished`, async () => {
      const now = await getRun(store, 'testing', id);
      return isFinal(now.state) ? now : null;
    });
  };
  const schedule: Runtime['schedule'] = (task, given = {}) => scheduleRun(store, 'testing', { task, ...given }, runner);
  const messages: Runtime['messages'] = async (run) =>
    (await readLogs(store, 'testing', run.id, 0)).lines.map((line) => line.message);
  return {
    store,
    folder,
    runner,
    events,
    isForking: workerStart === 'fork',
    schedule,
    ended,
    messages,
    url: database.url,
    run: async (task, given) => ended(await schedule(task, given)),
    printed: async (run, line) => {
      await until(15_000, `run ${run.id} printed ${line}`, async () =>
        (await messages(run)).includes(line) ? true : null,
      );
    },
    async [Symbol.asyncDispose]() {
      await runner.stop({ drainMs: 0 });
      await store.close();
      await database.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
