import { dirname, join } from 'node:path';
import type * as Esbuild from 'esbuild';
import type { BuildOptions, BuildResult, Message, Plugin } from 'esbuild';
import { decoratorsPlugin } from './decorators-plugin.ts';
import { locationDefines, locationPlugin, withLocations, withPlace } from './location-plugin.ts';
import { moduleKinds, type ModuleKinds } from './module-kind.ts';
import { type PackagesOptions, packagesPlugin } from './packages-plugin.ts';
import { readFilesPlugin, tellMissing } from './read-files.ts';
import { sdkPlugin } from './sdk-plugin.ts';

export interface Bundle {
  readonly code: string;
  /** Version 3, with paths relative to the project's folder and without the sources' text. */
  readonly sourceMap: string;
  readonly format: 'cjs' | 'esm';
}

/** A bundle, or what is wrong with its sources. */
export type Bundled =
  | { readonly bundle: Bundle; readonly problems: null }
  | { readonly bundle: null; readonly problems: readonly Message[] };

/** What a file may import as data, besides JSON. */
const dataLoaders: BuildOptions['loader'] = {
  '.txt': 'text',
  '.md': 'text',
  '.html': 'text',
  '.sql': 'text',
  '.csv': 'text',
  '.tsv': 'text',
  '.xml': 'text',
  '.svg': 'text',
  '.css': 'text',
  '.yaml': 'text',
  '.yml': 'text',
  '.graphql': 'text',
  '.wasm': 'binary',
  '.bin': 'binary',
};

/** The same for all that is built: nothing in it depends on the machine or on where the folder lies. What is imported is found under Node's own conditions. */
export function sharedOptions(folder: string) {
  return {
    absWorkingDir: folder,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node22',
    conditions: [] as string[],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    logLimit: 0,
    loader: dataLoaders ?? {},
    define: locationDefines,
  } as const satisfies BuildOptions;
}

/** What sources go through, in this order. */
export function sourcePlugins(options: PackagesOptions): Plugin[] {
  const { folder } = options;
  return [
    readFilesPlugin,
    sdkPlugin,
    decoratorsPlugin(folder, (path, contents) => withPlace(folder, path, contents)),
    locationPlugin(folder),
    packagesPlugin(options),
  ];
}

/** Of a bundle that stands where its sources do, or that people debug. */
export const readableOptions = {
  keepNames: true,
  sourcemap: 'external',
  sourcesContent: false,
  metafile: true,
} as const satisfies BuildOptions;

/** Bundles a module that our own process imports: `cloudcode.config.ts`. */
export async function bundleHere(folder: string, file: string): Promise<Bundled> {
  const built = await bundleForHere(folder, [{ in: join(folder, file), out: '.bundle-0' }], []);
  if (!Array.isArray(built))
    return { bundle: built.get('.bundle-0') ?? { code: '', sourceMap: '', format: 'esm' }, problems: null };
  tellMissing(folder, built);
  return { bundle: null, problems: built };
}

/**
 * Bundles of each file `export { config }` and only what that needs: an import that `config` does not use is left out.
 * @returns by file; those that cannot be bundled are left out
 */
export async function bundleExports(
  folder: string,
  files: readonly string[],
  name: string,
): Promise<ReadonlyMap<string, Bundle>> {
  if (files.length === 0) return new Map();
  const built = await bundleForHere(
    folder,
    files.map((file, position) => ({ in: `cloudcode-export:${file}`, out: `.bundle-${position}` })),
    [exportsAlone(folder, name), withoutSideEffects],
  );
  if (!Array.isArray(built))
    return new Map(
      files.flatMap((file, position) => {
        const one = built.get(`.bundle-${position}`);
        return one === undefined ? [] : [[file, one] as const];
      }),
    );
  if (files.length === 1) return new Map();
  const each = await Promise.all(files.map((file) => bundleExports(folder, [file], name)));
  return new Map(each.flatMap((one) => [...one]));
}

async function bundleForHere(
  folder: string,
  entryPoints: { in: string; out: string }[],
  plugins: readonly Plugin[],
): Promise<ReadonlyMap<string, Bundle> | Message[]> {
  const built = await tryBuild({
    ...sharedOptions(folder),
    ...readableOptions,
    format: 'esm',
    outdir: folder,
    entryPoints,
    banner: { js: requireFrom(`${JSON.stringify(folder)} + "/cloudcode/"`) },
    plugins: [
      ...plugins,
      ...sourcePlugins({ folder, bundled: new Set(), toFolder: null, format: 'esm', kinds: nodeKinds() }),
    ],
  });
  if (Array.isArray(built)) return built;
  const texts = new Map(built.outputFiles?.map((file) => [file.path, file.text]));
  return new Map(
    entryPoints.map(({ out }) => {
      const path = join(folder, `${out}.js`);
      return [
        out,
        {
          code: withLocations(texts.get(path) ?? '', JSON.stringify(folder)),
          sourceMap: texts.get(`${path}.map`) ?? '',
          format: 'esm',
        },
      ];
    }),
  );
}

function exportsAlone(folder: string, name: string): Plugin {
  const filter = /^cloudcode-export:/;
  return {
    name: 'cloudcode-exports-alone',
    setup(build) {
      build.onResolve({ filter }, ({ path }) => ({ path: path.replace(filter, ''), namespace: 'cloudcode-export' }));
      build.onLoad({ filter: /^/, namespace: 'cloudcode-export' }, ({ path }) => ({
        contents: `export { ${name} } from ${JSON.stringify(`./${path}`)}`,
        resolveDir: folder,
      }));
    },
  };
}

let esbuild: Promise<typeof Esbuild> | undefined;

// Loaded when it is first needed: most commands build nothing.
function loadBundler(): Promise<typeof Esbuild> {
  return (esbuild ??= import('esbuild'));
}

/** Starts esbuild's process ahead of the first build. */
export async function startBundler(): Promise<void> {
  const { transform } = await loadBundler();
  await transform('');
}

/** The result of a build, or the errors in the user's sources. */
export async function tryBuild(options: BuildOptions): Promise<BuildResult | Message[]> {
  const { build } = await loadBundler();
  try {
    return await build(options);
  } catch (error) {
    if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors as Message[];
    throw error;
  }
}

/** esbuild gives an ES module no `require`, but CommonJS packages are loaded by it. @param place an expression */
export function requireFrom(place: string): string {
  return `const require = globalThis.process.getBuiltinModule("node:module").createRequire(${place});`;
}

/** How Node sees the files of one build. */
export function nodeKinds(): ModuleKinds {
  return moduleKinds(async (path) => {
    const built = await tryBuild({
      ...sharedOptions(dirname(path)),
      entryPoints: [path],
      outdir: dirname(path),
      format: 'esm',
      metafile: true,
      plugins: [onlyThis],
    });
    return Array.isArray(built) ? undefined : Object.values(built.metafile?.inputs ?? {})[0]?.format;
  });
}

const onlyThis: Plugin = {
  name: 'cloudcode-only-this',
  setup(build) {
    build.onResolve({ filter: /^/ }, ({ kind }) => (kind === 'entry-point' ? undefined : { external: true }));
  },
};

const withoutSideEffects: Plugin = {
  name: 'cloudcode-without-side-effects',
  setup(build) {
    const resolvingHere = Symbol('resolving here');
    build.onResolve(
      { filter: /^/ },
      async ({ path, kind, importer, resolveDir, namespace, pluginData, with: attributes }) => {
        if (kind === 'entry-point' || pluginData !== undefined || path.startsWith('cloudcode')) return undefined;
        const {
          errors,
          warnings: _warnings,
          ...found
        } = await build.resolve(path, {
          kind,
          importer,
          resolveDir,
          namespace,
          with: attributes,
          pluginData: resolvingHere,
        });
        // What is not found is for esbuild to judge: a package may ask for another that need not be there.
        return errors.length > 0 ? undefined : { ...found, sideEffects: false };
      },
    );
  },
};

/** Ends esbuild's process. The next build starts another. */
export async function endBundler(): Promise<void> {
  await (await esbuild)?.stop();
}
