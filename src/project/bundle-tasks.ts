import { join } from 'node:path';
import type { Message } from 'esbuild';
import { findAwaiting, isTopLevelAwait } from './awaiting-packages.ts';
import { buildEntries, type EntriesAsked, reachedFrom } from './build-entries.ts';
import type { Bundle } from './bundle.ts';
import { withLocations } from './location-plugin.ts';
import type { PackageImport, PackagesOptions } from './packages-plugin.ts';
import { tellMissing } from './read-files.ts';
import { nodeModuleOf } from './spawn-need.ts';
import { type Surveyed, surveyOf } from './survey.ts';

/** A package, and the file that names it: absolute. */
export interface NamedPackage {
  readonly name: string;
  readonly importer: string;
}

/** What came of one entry. */
export interface BundledEntry {
  readonly bundle: Bundle;
  readonly surveyed: Surveyed;
  /** The files that it is made of: absolute. */
  readonly inputs: readonly string[];
  readonly imports: readonly PackageImport[];
  /** Native add-ons of the project's own: absolute. */
  readonly addons: readonly string[];
  /** Names by which it imports what lies in no `node_modules`. */
  readonly linked: readonly NamedPackage[];
  /** `node:worker_threads`: why its worker cannot be forked. */
  readonly nodeModule: string | null;
}

/** By the entry's file: what came of it, or what is wrong with its sources. */
export type BundledEntries = ReadonlyMap<string, BundledEntry | readonly Message[]>;

type Asked = Pick<EntriesAsked, 'folder' | 'bundled' | 'kinds' | 'files'> & {
  /** Whether a file is to be an ES module, whatever is in it. */
  readonly isModule: (file: string) => boolean;
};

/**
 * esbuild keeps for each entry of a build what linking it takes, until all are done: 63 entries over 30 files that export all of the next took 3.2 GB together, 915 MB in builds of 16 and 359 MB in
 * builds of 4, in the same time. Small ones take a fifth longer in builds of 4.
 */
const atOnce = 4;

/**
 * Bundles files of a project without the packages that they import. CommonJS, which Node starts faster, unless a file of it, or of a package that it imports, awaits at
 * top level. What one of them has wrong does not stop the others.
 */
export async function bundleEntries(asked: Asked): Promise<BundledEntries> {
  const byDepth = Map.groupBy(asked.files, (file) => file.split('/').length);
  const results: BundledEntries[] = [];
  for (const files of byDepth.values()) {
    for (let from = 0; from < files.length; from += atOnce)
      results.push(await bundleGroup({ ...asked, files: files.slice(from, from + atOnce) }));
  }
  return new Map(results.flatMap((result) => [...result]));
}

async function bundleGroup(asked: Asked): Promise<BundledEntries> {
  const { folder, files } = asked;
  const together = await bundleTogether(asked);
  if (!Array.isArray(together)) return together as BundledEntries;
  const problems = together as readonly Message[];
  if (files.length === 1) {
    tellMissing(folder, problems);
    return new Map([[files[0] ?? '', problems]]);
  }
  // esbuild does not say which of them has the problems.
  const results = await Promise.all(files.map((file) => bundleGroup({ ...asked, files: [file] })));
  return new Map(results.flatMap((result) => [...result]));
}

async function bundleTogether(asked: Asked): Promise<BundledEntries | readonly Message[]> {
  const { folder, files, kinds, isModule } = asked;
  const imports: PackageImport[] = [];
  const addons: { readonly path: string; readonly importer: string }[] = [];
  const linked: NamedPackage[] = [];
  const entries = files.map((file) => join(folder, file));
  const options = { folder, kinds, bundled: asked.bundled, entries };
  const survey = await buildEntries({
    ...options,
    files,
    format: 'esm',
    isSurvey: true,
    onImport: (found) => imports.push(found),
    onAddon: (found) => addons.push(found),
    onLinked: (found) => linked.push(found),
  });
  if (!('outputs' in survey)) return survey;
  const looked = survey.outputs.map(({ about, code }, position) => {
    const inputs = reachedFrom(folder, survey.metafile, about.entryPoint ?? '');
    const from = <Found extends { readonly importer: string }>(all: readonly Found[]): readonly Found[] =>
      all.filter(({ importer }) => inputs.has(importer));
    return {
      surveyed: surveyOf(survey.metafile, { about, code }),
      inputs,
      imports: from(imports).flatMap((found) =>
        found.isByName ? [found, { ...found, importer: entries[position] ?? '' }] : [found],
      ),
      addons: from(addons),
      linked: from(linked),
    };
  });
  const awaiting = await findAwaiting(folder, await esmOf(kinds, imports));
  const bundles = await bundleInFormats(
    options,
    files.map((file, position) => {
      const { inputs = new Set<string>(), imports: own = [] } = looked[position] ?? {};
      return {
        file,
        inputs,
        isAsync: isModule(file) || own.some(({ path, isStatic }) => isStatic && awaiting.has(path)),
      };
    }),
  );
  if (!(bundles instanceof Map)) return bundles as readonly Message[];
  return new Map(
    files.map((file, position) => {
      const { inputs, addons: ownAddons, ...rest } = looked[position] as (typeof looked)[number];
      return [
        file,
        {
          ...(bundles.get(file) as Made),
          ...rest,
          inputs: [...inputs],
          addons: [...new Set(ownAddons.map(({ path }) => path))],
        },
      ];
    }),
  );
}

async function esmOf(kinds: PackagesOptions['kinds'], imports: readonly PackageImport[]): Promise<readonly string[]> {
  const paths = [...new Set(imports.filter(({ isStatic }) => isStatic).map(({ path }) => path))];
  const isEsm = await Promise.all(paths.map((path) => kinds.isEsm(path)));
  return paths.filter((_path, position) => isEsm[position]);
}

interface Formatted {
  readonly file: string;
  readonly inputs: ReadonlySet<string>;
  readonly isAsync: boolean;
}

type Made = Pick<BundledEntry, 'bundle' | 'nodeModule'>;

async function bundleInFormats(
  options: Pick<EntriesAsked, 'folder' | 'bundled' | 'kinds' | 'entries'>,
  entries: readonly Formatted[],
): Promise<ReadonlyMap<string, Made> | readonly Message[]> {
  const [inCommonJs, inModules] = [entries.filter(({ isAsync }) => !isAsync), entries.filter(({ isAsync }) => isAsync)];
  const common = await bundleAs('cjs', options, inCommonJs);
  if (common instanceof Map) {
    const modules = await bundleAs('esm', options, inModules);
    return modules instanceof Map ? new Map([...common, ...modules]) : modules;
  }
  const problems = common as readonly Message[];
  const awaiting = problems
    .filter(isTopLevelAwait)
    .flatMap(({ location }) => (location === null ? [] : [`${options.folder}/${location.file}`]));
  if (awaiting.length === 0 || awaiting.length < problems.length) return problems;
  const again = entries.map((entry) => ({
    ...entry,
    isAsync: entry.isAsync || awaiting.some((path) => entry.inputs.has(path)),
  }));
  return again.every(({ isAsync }, position) => isAsync === entries[position]?.isAsync)
    ? problems
    : bundleInFormats(options, again);
}

async function bundleAs(
  format: 'cjs' | 'esm',
  options: Pick<EntriesAsked, 'folder' | 'bundled' | 'kinds' | 'entries'>,
  entries: readonly Formatted[],
): Promise<ReadonlyMap<string, Made> | readonly Message[]> {
  if (entries.length === 0) return new Map();
  const built = await buildEntries({ ...options, format, files: entries.map(({ file }) => file) });
  if (!('outputs' in built)) return built;
  return new Map(
    built.outputs.map(({ code, sourceMap, about }, position) => {
      const { file = '' } = entries[position] ?? {};
      return [
        file,
        {
          bundle: { code: withLocations(code, folderFrom(file, format)), sourceMap, format },
          nodeModule: nodeModuleOf(about),
        },
      ];
    }),
  );
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
