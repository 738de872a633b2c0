import { join } from 'node:path';
import type * as Esbuild from 'esbuild';
import type { BuildOptions, BuildResult, Message, Plugin } from 'esbuild';
import { decoratorsPlugin } from './decorators-plugin.ts';
import { folderAtRunTime, locationDefines, locationPlugin, withPlace } from './location-plugin.ts';
import { nativePlugin } from './native-plugin.ts';
import { readFilesPlugin, tellMissing } from './read-files.ts';
import { sdkPlugin } from './sdk-plugin.ts';
import { spawnNeedOf } from './spawn-need.ts';

export interface Bundle {
  readonly code: string;
  /** Version 3, with paths relative to the project's folder and without the sources' text. */
  readonly sourceMap: string;
  readonly format: 'cjs' | 'esm';
  /** Why its worker cannot be forked: what it needs; null when nothing is seen. */
  readonly spawnNeed: string | null;
}

/** A bundle, or what is wrong with its sources. */
export type Bundled = { readonly bundle: Bundle; readonly problems: null } | { readonly bundle: null; readonly problems: readonly Message[] };

/** What a file may import as data, besides JSON. */
const dataLoaders: BuildOptions['loader'] = {
  '.txt': 'text', '.md': 'text', '.html': 'text', '.sql': 'text', '.csv': 'text', '.tsv': 'text', '.xml': 'text', '.svg': 'text', '.css': 'text',
  '.yaml': 'text', '.yml': 'text', '.graphql': 'text', '.wasm': 'binary', '.bin': 'binary',
};

/** The same for all that is built: nothing in it depends on the machine or on where the folder lies. */
export function sharedOptions(folder: string) {
  return {
    absWorkingDir: folder, bundle: true, write: false, outfile: join(folder, 'bundle.js'), platform: 'node', target: 'node22',
    charset: 'utf8', legalComments: 'none', logLevel: 'silent', loader: dataLoaders ?? {},
  } as const satisfies BuildOptions;
}

/**
 * Bundles one task with the npm packages that it imports. CommonJS, which Node starts faster, unless a file of it awaits at top level.
 * @param file relative to the folder
 */
export async function bundleTask(folder: string, file: string): Promise<Bundled> {
  const asked = { folder, entry: file, folderExpression: folderAtRunTime };
  const asCommonJs = await bundle({ ...asked, format: 'cjs' });
  const awaits = asCommonJs.problems?.some(({ text }) => text.startsWith('Top-level await'));
  return awaits === true ? bundle({ ...asked, format: 'esm' }) : asCommonJs;
}

/** Bundles a module that our own process imports: `cloudcode.config.ts`. */
export async function bundleHere(folder: string, file: string): Promise<Bundled> {
  return bundle({ folder, entry: file, folderExpression: JSON.stringify(folder), format: 'esm' });
}

/** Bundles `export { config }` of a task and only what that needs: an import that `config` does not use is left out. */
export async function bundleExport(folder: string, file: string, name: string): Promise<Bundled> {
  const entry = { contents: `export { ${name} } from ${JSON.stringify(`./${file}`)}`, resolveDir: folder, sourcefile: 'entry.js' };
  return bundle({ folder, entry, folderExpression: JSON.stringify(folder), format: 'esm', minify: true, plugins: [withoutSideEffects] });
}

interface Asked {
  readonly folder: string;
  readonly entry: string | { readonly contents: string; readonly resolveDir: string; readonly sourcefile: string };
  readonly folderExpression: string;
  readonly format: 'cjs' | 'esm';
  readonly minify?: boolean;
  readonly plugins?: readonly Plugin[];
}

async function bundle({ folder, entry, folderExpression, format, minify = false, plugins = [] }: Asked): Promise<Bundled> {
  const built = await tryBuild({
    ...sharedOptions(folder), format, minify, keepNames: !minify, sourcemap: 'external', sourcesContent: false, metafile: true, define: locationDefines,
    ...(typeof entry === 'string' ? { entryPoints: [join(folder, entry)] } : { stdin: entry }),
    ...(format === 'esm' ? { banner: { js: requireFor(folderExpression) } } : {}),
    plugins: [readFilesPlugin, ...plugins, sdkPlugin, decoratorsPlugin(folder, (path, contents) => withPlace(folder, path, contents)), locationPlugin(folder, folderExpression), nativePlugin(folder)],
  });
  if (Array.isArray(built)) {
    tellMissing(folder, built);
    return { bundle: null, problems: built };
  }
  const text = (suffix: string): string => built.outputFiles?.find(({ path }) => path.endsWith(suffix))?.text ?? '';
  const spawnNeed = built.metafile === undefined ? null : spawnNeedOf(built.metafile);
  return { bundle: { code: text('bundle.js'), sourceMap: text('bundle.js.map'), format, spawnNeed }, problems: null };
}

let esbuild: Promise<typeof Esbuild> | undefined;

/** The result of a build, or the errors in the user's sources. */
export async function tryBuild(options: BuildOptions): Promise<BuildResult | Message[]> {
  // Loaded when it is first needed: most commands build nothing.
  esbuild ??= import('esbuild');
  const { build } = await esbuild;
  try {
    return await build(options);
  } catch (error) {
    if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors as Message[];
    throw error;
  }
}

// esbuild gives an ES module no `require`, but CommonJS packages in it call it for Node's own modules.
function requireFor(folderExpression: string): string {
  return `const require = process.getBuiltinModule("node:module").createRequire(${folderExpression} + "/cloudcode/");`;
}

const withoutSideEffects: Plugin = {
  name: 'cloudcode-without-side-effects',
  setup(build) {
    const resolvingHere = Symbol('resolving here');
    build.onResolve({ filter: /^/ }, async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
      if (kind === 'entry-point' || pluginData === resolvingHere || path.startsWith('cloudcode')) return undefined;
      const { errors, warnings: _warnings, ...found } = await build.resolve(path, { kind, importer, resolveDir, with: attributes, pluginData: resolvingHere });
      // What is not found is for esbuild to judge: a package may ask for another that need not be there.
      return errors.length > 0 ? undefined : { ...found, sideEffects: false };
    });
  },
};

/** Ends esbuild's process. The next build starts another. */
export async function endBundler(): Promise<void> {
  await (await esbuild)?.stop();
}
