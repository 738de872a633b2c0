import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Message } from 'esbuild';
import { type BundledEntry, bundleEntries } from './bundle-tasks.ts';
import { nodeKinds } from './bundle.ts';
import { inNodeModules, type NamedPackage } from './packages-plugin.ts';
import { placedCode } from './placed-code.ts';
import { relativePath } from './relative-path.ts';
import { computedStarts, dependencyNames, namesIn, referencesIn } from './source-facts.ts';
import type { BundleStore } from '../contents/stored-bundle.ts';

/** What a task is made of: its own bundle, and what it needs beside it. */
export interface TaskParts extends BundledEntry {
  /** Packages that its sources name in strings. */
  readonly named: readonly NamedPackage[];
  /** Where its sources start threads and processes by computed paths: `cloudcode/a/index.ts:12`. */
  readonly computedStarts: readonly string[];
  /** Code of threads and other processes, to stand where their sources do, and its source maps: by path relative to the project's folder. */
  readonly placed: ReadonlyMap<string, string>;
}

interface Asked {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** Names of packages that go into the bundles. */
  readonly bundled: ReadonlySet<string>;
  /** Of the tasks, relative to the folder. */
  readonly files: readonly string[];
  readonly store: BundleStore;
}

/** Builds tasks, and the files of threads and other processes that they name, and those that these name. */
export async function buildParts({
  folder,
  bundled,
  files,
  store,
}: Asked): Promise<ReadonlyMap<string, TaskParts | readonly Message[]>> {
  const kinds = nodeKinds();
  const factsOf = factReader(folder);
  const built = new Map<string, BundledEntry | readonly Message[]>();
  const isModule = (file: string): boolean => !files.includes(file) && kinds.isNodeEsm(join(folder, file));
  let next: readonly string[] = files;
  while (next.length > 0) {
    for (const [file, one] of await bundleEntries({ folder, bundled, kinds, files: next, isModule, store }))
      built.set(file, one);
    const facts = await Promise.all(next.flatMap((file) => inputsOf(built.get(file)).map(factsOf)));
    next = [...new Set(facts.flatMap(({ runs }) => runs.map(({ source }) => source)))].filter(
      (file) => !built.has(file),
    );
  }
  return new Map(await Promise.all(files.map(async (file) => [file, await gather(file, { built, factsOf })] as const)));
}

function inputsOf(built: BundledEntry | readonly Message[] | undefined): readonly string[] {
  return built !== undefined && 'bundle' in built ? built.inputs : [];
}

type Gathering = {
  readonly built: ReadonlyMap<string, BundledEntry | readonly Message[]>;
  readonly factsOf: (path: string) => Promise<Facts>;
};

async function gather(file: string, { built, factsOf }: Gathering): Promise<TaskParts | readonly Message[]> {
  const problems: Message[] = [];
  const entries: BundledEntry[] = [];
  const named: NamedPackage[] = [];
  const starts = new Set<string>();
  const placed = new Map<string, string>();
  const open = new Map([[file, null as string | null]]);
  for (const [place, source] of open) {
    const entry = built.get(source ?? file);
    if (entry === undefined) continue;
    if (!('bundle' in entry)) {
      problems.push(...entry);
      continue;
    }
    entries.push(entry);
    if (source !== null) for (const [path, text] of await placedCode(place, entry.bundle)) placed.set(path, text);
    for (const path of entry.inputs) {
      const facts = await factsOf(path);
      named.push(...facts.named);
      for (const start of facts.computedStarts) starts.add(start);
      for (const run of facts.runs) if (run.source !== file && !open.has(run.place)) open.set(run.place, run.source);
    }
  }
  const [own] = entries;
  if (problems.length > 0 || own === undefined) return problems;
  const all = <Item>(of: (entry: BundledEntry) => readonly Item[]): readonly Item[] => [
    ...new Set(entries.flatMap(of)),
  ];
  return {
    ...own,
    inputs: all(({ inputs }) => inputs),
    imports: all(({ imports }) => imports),
    addons: all(({ addons }) => addons),
    linked: all(({ linked }) => linked),
    named,
    computedStarts: [...starts],
    placed,
    nodeModule: entries.map(({ nodeModule }) => nodeModule).find((one) => one !== null) ?? null,
  };
}

interface Facts {
  readonly named: readonly NamedPackage[];
  readonly computedStarts: readonly string[];
  /** What a thread or process is to run: where it is looked for, and its source. Both relative to the project's folder. */
  readonly runs: readonly { readonly place: string; readonly source: string }[];
}

function factReader(folder: string): (path: string) => Promise<Facts> {
  const known = new Map<string, Promise<Facts>>();
  const namesFor = dependencyNames();
  const read = async (path: string): Promise<Facts> => {
    if (inNodeModules(folder, path) || !/\.[cm]?[jt]sx?$/.test(path))
      return { named: [], computedStarts: [], runs: [] };
    const text = await readFile(path, 'utf8').catch(() => '');
    const named = namesIn(text, namesFor(dirname(path))).map((name) => ({ name, importer: path }));
    const runs = await Promise.all(
      referencesIn(text).flatMap((written) =>
        [dirname(path), folder].map((base) => findSource(folder, join(base, written))),
      ),
    );
    const starts = computedStarts(text).map((line) => `${relativePath(folder, path)}:${line}`);
    return { named, computedStarts: starts, runs: runs.filter((run) => run !== null) };
  };
  return (path) => {
    const facts = known.get(path) ?? read(path);
    known.set(path, facts);
    return facts;
  };
}

/** TypeScript has its sources named by the names of what is compiled from them. */
async function findSource(folder: string, path: string): Promise<Facts['runs'][number] | null> {
  const place = relativePath(folder, path);
  if (place.startsWith('../') || inNodeModules(folder, path)) return null;
  const candidates = /\.[cm]?[jt]s$/.test(path)
    ? [path, path.replace(/\.([cm]?)js$/, '.$1ts')]
    : [`${path}.js`, `${path}.cjs`, `${path}.ts`];
  for (const candidate of candidates) {
    if (candidate.endsWith('.d.ts') || (await stat(candidate).catch(() => null))?.isFile() !== true) continue;
    return { place: /\.[cm]?[jt]s$/.test(path) ? place : `${place}.js`, source: relative(folder, candidate) };
  }
  return null;
}
