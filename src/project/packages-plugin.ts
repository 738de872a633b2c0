import { isBuiltin, Module } from 'node:module';
import { dirname, extname, isAbsolute, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import type { ModuleKinds } from './module-kind.ts';
import { packageFolderOf, packageNameOf, readManifest } from './packages/package-place.ts';
import { relativePath } from './relative-path.ts';

/** What a file of the project, or of a package that is in the bundle, imports from a package that is not. */
export interface PackageImport {
  /** The file it resolves to and the file that imports it: absolute, with symbolic links resolved. */
  readonly path: string;
  readonly importer: string;
  /** Whether it is loaded before the importer runs, as by `import … from`. */
  readonly isStatic: boolean;
  /** Whether the bundle asks for it by its name, from its own place. */
  readonly isByName: boolean;
}

/** A package, and the file that names it: absolute. */
export interface NamedPackage {
  readonly name: string;
  readonly importer: string;
}

export interface PackagesOptions {
  /** The project's: absolute, with symbolic links resolved. */
  readonly folder: string;
  /** Names of packages that go into the bundle. */
  readonly bundled: ReadonlySet<string>;
  /** What stands in the bundle for a file: a path relative to the bundle's own place. Null: the absolute path. */
  readonly toFolder: string | null;
  readonly format: 'cjs' | 'esm';
  /** The files in whose places the bundles stand: absolute. */
  readonly entries?: readonly string[];
  readonly kinds: ModuleKinds;
  readonly onImport?: (found: PackageImport) => void;
  /** A native add-on of the project's own. */
  readonly onAddon?: (found: { readonly path: string; readonly importer: string }) => void;
  /** A name by which a file imports what lies in no `node_modules`: a package that is linked from elsewhere, or something that a tsconfig.json gives a name. */
  readonly onLinked?: (found: NamedPackage) => void;
  /** Nothing stands between the bundle and what is outside of it: whoever only looks at the result needs no more. */
  readonly isSurvey?: boolean;
}

const namespace = 'cloudcode-package';
const resolvingHere = Symbol('resolving here');
/** What Node loads from a package; all else is data or a language of its own, and goes into the bundle. */
const nodeEndings = ['.js', '.cjs', '.mjs', '.json', '.node', ''];

/**
 * Leaves packages outside of the bundle: an import that resolves into a `node_modules` folder becomes the path of the file that it resolves to, which Node loads
 * when the bundle runs. A default import comes as Node has it, or for sources that do not say that they are ES modules as TypeScript has it (`__esModule`).
 */
export function packagesPlugin(options: PackagesOptions): Plugin {
  return {
    name: 'cloudcode-packages',
    setup(build) {
      build.onResolve({ filter: /^/ }, (args) => resolve(build, args, options));
      build.onLoad({ filter: /^/, namespace }, ({ pluginData }) => ({
        contents: String(pluginData),
        loader: 'js',
        resolveDir: options.folder,
      }));
    },
  };
}

async function resolve(
  build: PluginBuild,
  args: OnResolveArgs,
  options: PackagesOptions,
): Promise<OnResolveResult | undefined> {
  const { path, kind, importer, resolveDir, namespace: from, with: attributes } = args;
  if (from === namespace) return { path, external: true };
  if (
    kind === 'entry-point' ||
    args.pluginData === resolvingHere ||
    isBuiltin(path) ||
    !mayBePackage(options.folder, args)
  )
    return undefined;
  const found = await build.resolve(path, {
    kind,
    importer,
    resolveDir,
    with: attributes,
    namespace: from,
    pluginData: resolvingHere,
  });
  // What is not found is for esbuild to judge: it may be in a `try`.
  if (found.errors.length > 0 || found.external || found.namespace !== 'file')
    return found.errors.length > 0 ? undefined : found;
  const target = found.path;
  const isCode = inNodeModules(options.folder, target);
  const isAddon = !isCode && target.endsWith('.node');
  if (isAddon) options.onAddon?.({ path: target, importer });
  const name = isCode ? null : packageNameOf(path);
  if (name !== null) options.onLinked?.({ name, importer });
  if (kind !== 'require-resolve' && !isAddon && (!isCode || goesIntoBundle(target, args, options))) return found;
  const { entries = [], isSurvey = false } = options;
  // Hooks of a task go by the name. It must find the same from where the bundle stands.
  const isFound = (entry: string): boolean => isFoundByName(path, target, entry);
  // Each group of entries goes by it for itself: a survey of all tells of what one of them may go by.
  const isByName =
    kind === 'dynamic-import' && (isSurvey ? entries.some(isFound) : entries.length > 0 && entries.every(isFound));
  if (isCode) options.onImport?.({ path: target, importer, isStatic: kind === 'import-statement', isByName });
  return isByName ? { path, external: true } : outside(target, args, options);
}

/** Imports from a neighbour in the project lead nowhere else; they are by far the most. */
function mayBePackage(folder: string, { path, importer, kind }: OnResolveArgs): boolean {
  return (
    !/^\.{1,2}(?:\/|$)/.test(path) ||
    /node_modules|\.node$/.test(path) ||
    kind === 'require-resolve' ||
    inNodeModules(folder, importer)
  );
}

/** Whether a file is a package's, and not the project's own or that of a package which is linked from elsewhere. */
export function inNodeModules(folder: string, path: string): boolean {
  return relativePath(folder, path).split('/').includes('node_modules');
}

function goesIntoBundle(
  target: string,
  { kind, with: attributes }: OnResolveArgs,
  { bundled }: PackagesOptions,
): boolean {
  if (!nodeEndings.includes(extname(target))) return true;
  const asData = attributes['type'] !== undefined && attributes['type'] !== 'json';
  return (
    asData ||
    (kind === 'dynamic-import' && target.endsWith('.json') && attributes['type'] === undefined) ||
    bundled.has(packageName(target))
  );
}

/** `@scope/name` of `…/node_modules/@scope/name/index.js`. */
export function packageName(path: string): string {
  const inside = path
    .slice(path.lastIndexOf(`${sep}node_modules${sep}`) + `${sep}node_modules${sep}`.length)
    .split(sep);
  return inside.slice(0, inside[0]?.startsWith('@') === true ? 2 : 1).join('/');
}

async function outside(target: string, args: OnResolveArgs, options: PackagesOptions): Promise<OnResolveResult> {
  const { kind, importer } = args;
  const { kinds, format, isSurvey = false } = options;
  const path = placeOf(target, kind, options);
  if (isSurvey || kind !== 'import-statement') return { path, external: true };
  if (await kinds.isEsm(target)) {
    // A default import of what `require` gives would be all of it, for a file that is an ES module of Node's.
    return format === 'cjs' && kinds.isNodeEsm(importer) ? standIn(path, 'esm') : { path, external: true };
  }
  // `import` would find only those names that Node sees in the text.
  return format === 'esm' ? standIn(placeOf(target, 'require-call', options), 'cjs') : { path, external: true };
}

function placeOf(target: string, kind: OnResolveArgs['kind'], { folder, toFolder }: PackagesOptions): string {
  if (toFolder !== null) return `${toFolder}${relativePath(folder, target)}`.replace(/^(?!\.)/, './');
  return kind.startsWith('require') || !isAbsolute(target) ? target : pathToFileURL(target).href;
}

/** A module that passes on what another one has. Its own name has no ending that would say what it is. */
function standIn(path: string, kind: 'cjs' | 'esm'): OnResolveResult {
  const name = JSON.stringify(path);
  const contents =
    kind === 'esm' ? `export * from ${name}; export { default } from ${name};` : `module.exports = require(${name});`;
  return { path: `${path} as ${kind}`, namespace, pluginData: contents };
}

/** What of Node's loader @types/node leaves out. */
interface Loader {
  _nodeModulePaths(folder: string): readonly string[];
  _resolveFilename(request: string, parent: object, isMain: boolean, options: object): string;
}

const loader = Module as unknown as Loader;
/** Node's own, of what `import` finds. */
const conditions = new Set(['node', 'import', 'module-sync', 'node-addons']);

/** Whether `import()` of a package, or of a file in it, finds a file by that name from another file too: as Node looks, for whom a tsconfig.json has no paths. @param file absolute, as the target */
function isFoundByName(specifier: string, target: string, file: string): boolean {
  const name = packageNameOf(specifier);
  if (name === null) return false;
  // Node finds a file of a package without `exports` by its whole name alone.
  const isWhole = specifier === name || target.endsWith(specifier.slice(name.length));
  if (!isWhole && readManifest(packageFolderOf(target) ?? '').exports === undefined) return false;
  const parent = { id: file, filename: file, paths: loader._nodeModulePaths(dirname(file)) };
  try {
    return loader._resolveFilename(specifier, parent, false, { conditions }) === target;
  } catch {
    return false;
  }
}
