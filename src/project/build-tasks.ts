import { join } from 'node:path';
import type { CloudCodeError } from '../engine/core/errors.ts';
import type { TaskConfig } from '../engine/core/task-config.ts';
import { type BuildCache, openBuildCache } from './build-cache.ts';
import { buildParts, type TaskParts } from './build-parts.ts';
import { atStep } from './build-steps.ts';
import type { FoundTask } from './find-project.ts';
import { fromMessage } from './problems.ts';
import { tellRead } from './read-files.ts';
import { readTaskExports } from './read-task-exports.ts';
import { type BundleStore, bundleStore, isStored } from '../contents/stored-bundle.ts';

/** A task as it was built. */
export interface TaskBuild {
  readonly parts: TaskParts;
  readonly config: Partial<TaskConfig>;
}

interface Asked {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  readonly tasks: readonly FoundTask[];
  /** Names of packages that go into the bundle of every task. */
  readonly bundled: readonly string[];
  /** A folder for what the next build can use; null: nothing is kept. */
  readonly cache: string | null;
}

interface Builds {
  /** By the task's file. */
  readonly built: ReadonlyMap<string, TaskBuild>;
  /** What is wrong with each of the others, by its file. */
  readonly errors: ReadonlyMap<string, readonly CloudCodeError[]>;
}

/** Builds the tasks that are not what they were when they were last built, all at once, and reads their `config`. */
export async function buildTasks({ folder, tasks, bundled, cache: place }: Asked): Promise<Builds> {
  const beganAtMs = Date.now();
  const cache = place === null ? null : openBuildCache<TaskBuild>(place, { folder, of: bundled });
  const store = bundleStore(place === null ? null : join(place, 'bundles'));
  const kept = new Map<string, TaskBuild>();
  for (const { name, file } of tasks) {
    const one = cache?.read(name) ?? null;
    if (one !== null && isStored(one.parts.bundle)) kept.set(file, one);
  }
  for (const { parts } of kept.values()) for (const path of filesOf(parts)) tellRead(path);
  const changed = tasks.filter(({ file }) => !kept.has(file));
  const { built, errors } = await buildAll({ folder, store }, changed, bundled);
  await cache?.keepOnly(tasks.map(({ name }) => name));
  if (cache !== null) await keepAll(cache, { tasks: changed, built, beganAtMs });
  const all = new Map([...kept, ...built]);
  await store.keepOnly([...all.values()].map(({ parts }) => parts.bundle));
  return { built: all, errors };
}

async function keepAll(
  cache: BuildCache<TaskBuild>,
  {
    tasks,
    built,
    beganAtMs,
  }: { readonly tasks: readonly FoundTask[]; readonly built: Builds['built']; readonly beganAtMs: number },
): Promise<void> {
  // One after the other: each is a second copy of it for as long as it is written.
  for (const { name, file } of tasks) {
    const build = built.get(file);
    if (build !== undefined) await cache.write(name, build, { read: filesOf(build.parts), beganAtMs });
  }
}

/** What a task was built from. Of packages that stay outside, the file that is imported: with its package.json it says how it was found. */
function filesOf({ inputs, imports }: TaskParts): readonly string[] {
  return [...new Set([...inputs, ...imports.map(({ path }) => path)])];
}

interface Place extends Pick<Asked, 'folder'> {
  readonly store: BundleStore;
}

async function buildAll(place: Place, tasks: readonly FoundTask[], bundled: readonly string[]): Promise<Builds> {
  const whole = await buildWith(place, tasks, bundled);
  const others = tasks.filter(({ file }) =>
    whole.built.get(file)?.config.bundle?.some((name) => !bundled.includes(name)),
  );
  const again = await Promise.all(
    others.map((task) => buildWith(place, [task], [...bundled, ...(whole.built.get(task.file)?.config.bundle ?? [])])),
  );
  const failed = new Set(others.map(({ file }) => file));
  const rest = [...whole.built].filter(([file]) => !failed.has(file));
  return {
    built: new Map([...rest, ...again.flatMap(({ built }) => [...built])]),
    errors: new Map([...whole.errors, ...again.flatMap(({ errors }) => [...errors])]),
  };
}

async function buildWith(
  { folder, store }: Place,
  tasks: readonly FoundTask[],
  bundled: readonly string[],
): Promise<Builds> {
  if (tasks.length === 0) return { built: new Map(), errors: new Map() };
  const files = tasks.map(({ file }) => file);
  const built = await atStep(`bundling ${tasks.length === 1 ? files.join('') : `${tasks.length} tasks`}`, () =>
    buildParts({ folder, files, bundled: new Set(bundled), store }),
  );
  const parts = new Map([...built].flatMap(([file, one]) => ('bundle' in one ? [[file, one] as const] : [])));
  for (const { imports } of parts.values()) for (const { path } of imports) tellRead(path);
  const exported = await atStep('reading what the tasks export', () => readTaskExports(folder, tasks, parts));
  const broken = [...built].flatMap(([file, one]) =>
    'bundle' in one ? [] : [[file, one.map((problem) => fromMessage('task_broken', problem))] as const],
  );
  const builds = [...parts].flatMap(([file, one]) => {
    const config = exported.configs.get(file);
    return config === undefined ? [] : [[file, { parts: one, config }] as const];
  });
  return { built: new Map(builds), errors: new Map([...broken, ...exported.errors]) };
}
