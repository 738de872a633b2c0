import { join } from 'node:path';
import type { Message } from 'esbuild';
import { isTopLevelAwait } from './awaiting-packages.ts';
import { buildEntries, type EntriesAsked } from './build-entries.ts';
import { withLocations } from './location-plugin.ts';
import { tellMissing } from './read-files.ts';
import { nodeModuleOf } from './spawn-need.ts';
import type { BundleStore, StoredBundle } from '../contents/stored-bundle.ts';
import { type Looked, type SeenEntry, surveyEntries } from './survey-entries.ts';

/** What came of one entry. */
export interface BundledEntry extends SeenEntry {
  readonly bundle: StoredBundle;
  /** The files that it is made of: absolute. */
  readonly inputs: readonly string[];
  /** `node:worker_threads`: why its worker cannot be forked. */
  readonly nodeModule: string | null;
}

/** By the entry's file: what came of it, or what is wrong with its sources. */
export type BundledEntries = ReadonlyMap<string, BundledEntry | readonly Message[]>;

type Asked = Pick<EntriesAsked, 'folder' | 'bundled' | 'kinds' | 'files'> & {
  /** Whether a file is to be an ES module, whatever is in it. */
  readonly isModule: (file: string) => boolean;
  readonly store: BundleStore;
};

/**
 * esbuild keeps for each entry of a build what linking it takes, until all are done: 63 entries over 30 files that export all of the next took 3.2 GB together, 915 MB in builds of 16 and 359 MB in
 * builds of 4, in the same time. Small ones take a fifth longer in builds of 4.
 */
const atOnce = 4;
/** esbuild does not say which entries have the problems: each part of them is tried. */
const parts = 4;

/**
 * Bundles files of a project without the packages that they import. CommonJS, which Node starts faster, unless a file of it, or of a package that it imports, awaits at
 * top level. What one of them has wrong does not stop the others.
 */
export async function bundleEntries(asked: Asked): Promise<BundledEntries> {
  const byDepth = Map.groupBy(asked.files, (file) => file.split('/').length);
  const results: BundledEntries[] = [];
  for (const files of byDepth.values()) results.push(await bundleAll({ ...asked, files }));
  return new Map(results.flatMap((result) => [...result]));
}

async function bundleAll(asked: Asked): Promise<BundledEntries> {
  const { files } = asked;
  // Of a few, what most of them are is made meanwhile.
  const early = files.length > atOnce ? null : bundleAs('cjs', asked, files);
  const looked = await surveyEntries(asked);
  if (!isLooked(looked)) {
    await early;
    return bundleInParts(asked, looked);
  }
  const results: BundledEntries[] = [];
  for (let from = 0; from < files.length; from += atOnce) {
    const group = { ...asked, files: files.slice(from, from + atOnce) };
    const entries = group.files.map((file, position) => formatOf(asked, file, looked[from + position]));
    const made = await bundleInFormats(group, entries, early);
    results.push(
      made instanceof Map
        ? new Map(
            entries.map(({ file, looked: { inputs, awaits: _awaits, ...rest } }) => [
              file,
              { ...(made.get(file) as Made), ...rest, inputs: [...inputs] },
            ]),
          )
        : await bundleInParts(group, made as readonly Message[]),
    );
  }
  return new Map(results.flatMap((result) => [...result]));
}

async function bundleInParts(asked: Asked, problems: readonly Message[]): Promise<BundledEntries> {
  const { folder, files } = asked;
  if (files.length === 1) {
    tellMissing(folder, problems);
    return new Map([[files[0] ?? '', problems]]);
  }
  const size = Math.ceil(files.length / parts);
  const results: BundledEntries[] = [];
  for (let from = 0; from < files.length; from += size)
    results.push(await bundleAll({ ...asked, files: files.slice(from, from + size) }));
  return new Map(results.flatMap((result) => [...result]));
}

function isLooked(result: readonly Looked[] | readonly Message[]): result is readonly Looked[] {
  return result.every((one) => 'surveyed' in one);
}

interface Formatted {
  readonly file: string;
  readonly looked: Looked;
  readonly isAsync: boolean;
}

function formatOf({ isModule }: Asked, file: string, looked: Looked | undefined): Formatted {
  if (looked === undefined) throw new Error(`${file} was not looked at.`);
  return { file, looked, isAsync: isModule(file) || looked.awaits };
}

type Made = Pick<BundledEntry, 'bundle' | 'nodeModule'>;
type MadeOrWrong = ReadonlyMap<string, Made> | readonly Message[];
/** What a build of one format takes. */
type Options = Pick<Asked, 'folder' | 'bundled' | 'kinds' | 'store'>;

/** @param early what came of all of them in CommonJS, if that was begun */
async function bundleInFormats(
  options: Options,
  entries: readonly Formatted[],
  early: Promise<MadeOrWrong> | null,
): Promise<MadeOrWrong> {
  const files = entries.filter(({ isAsync }) => !isAsync).map(({ file }) => file);
  const common = await (files.length === entries.length
    ? (early ?? bundleAs('cjs', options, files))
    : bundleAs('cjs', options, files));
  if (common instanceof Map) {
    const modules = await bundleAs(
      'esm',
      options,
      entries.filter(({ isAsync }) => isAsync).map(({ file }) => file),
    );
    return modules instanceof Map ? new Map([...common, ...modules]) : modules;
  }
  const problems = common as readonly Message[];
  const awaiting = problems
    .filter(isTopLevelAwait)
    .flatMap(({ location }) => (location === null ? [] : [`${options.folder}/${location.file}`]));
  if (awaiting.length === 0 || awaiting.length < problems.length) return problems;
  const again = entries.map((entry) => ({
    ...entry,
    isAsync: entry.isAsync || awaiting.some((path) => entry.looked.inputs.has(path)),
  }));
  return again.every(({ isAsync }, position) => isAsync === entries[position]?.isAsync)
    ? problems
    : bundleInFormats(options, again, null);
}

async function bundleAs(
  format: 'cjs' | 'esm',
  { store, ...options }: Options,
  files: readonly string[],
): Promise<MadeOrWrong> {
  if (files.length === 0) return new Map();
  const { folder, bundled, kinds } = options;
  const entries = files.map((file) => join(folder, file));
  const built = await buildEntries({ folder, bundled, kinds, entries, format, files });
  if (!('outputs' in built)) return built;
  const made = new Map<string, Made>();
  for (const [position, { code, sourceMap, about }] of built.outputs.entries()) {
    const file = files[position] ?? '';
    const bundle = await store.put({ code: withLocations(code, folderFrom(file, format)), sourceMap, format });
    made.set(file, { bundle, nodeModule: nodeModuleOf(about) });
  }
  return made;
}

/** An expression for the project's folder: the bundle stands beside its entry. */
function folderFrom(file: string, format: 'cjs' | 'esm'): string {
  const up = JSON.stringify(
    `/${file
      .split('/')
      .slice(1)
      .map(() => '..')
      .join('/')}`,
  );
  if (format === 'esm') return `join(import.meta.dirname, ${up})`;
  return `typeof __dirname === "string" ? join(__dirname, ${up}) : (globalThis[Symbol.for("cloudcode.folder")] ?? globalThis.process.cwd())`;
}
