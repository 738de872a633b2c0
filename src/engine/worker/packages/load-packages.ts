import type { Script as CompiledScript } from 'node:vm';
import { watchSync } from './builtin-imports.ts';
import { noteRunning } from './exports-of-commonjs.ts';
import {
  compilesAsEver,
  execute,
  type LoadedModule,
  loader,
  resolvesAsEver,
  sayNothing,
  watchHooks,
} from './node-loader.ts';
import { beginModules, withoutHooks } from './load-modules.ts';
import { type Pack, type PackedFile, readPack } from './pack-file.ts';
import {
  identityOf,
  identityOfTree,
  isForGood,
  isPacked,
  modulesFolderOf,
  packagePlace,
  packPathOf,
  pathIn,
} from './package-place.ts';
import { refuseOutside, resolveInside } from './stay-inside.ts';

// Taken before the task runs, which may put its own in their place.
const { existsSync } = process.getBuiltinModule('node:fs');
const { fileURLToPath } = process.getBuiltinModule('node:url');
const { constants, Script } = process.getBuiltinModule('node:vm');
const { apply } = Reflect;

const nodeOptions = process.env['NODE_OPTIONS'] ?? '';

/** What this attempt has loaded of packages. */
interface Loaded {
  /** Undefined until the first file of a package is loaded. */
  pack: Pack | null | undefined;
  /** How many files were in it. */
  used: number;
  /** What was not. */
  readonly newFiles: Map<string, NewFile>;
  readonly newlyFound: Map<string, Map<string, string>>;
}

interface NewFile {
  readonly content: string;
  readonly text: string;
  readonly script: CompiledScript;
}

export const loaded: Loaded = { pack: undefined, used: 0, newFiles: new Map(), newlyFound: new Map() };
let isInstalled = false;
const opening = '(function (exports, require, module, __filename, __dirname) {';
const closing = '\n})';

/**
 * Makes Node load CommonJS files of packages from the pack of the task's bundle: one file that holds what each says, what its requests resolve to, and what V8 has compiled of it. All else stays Node's:
 * the modules, their cache and their hooks. What is not in the pack, or is not what it was when the pack was made, is loaded by Node.
 */
export function loadFromPacks(): void {
  const { _extensions, _resolveFilename, prototype } = loader;
  const { '.js': loadJs } = _extensions;
  const { _compile } = prototype;
  if (loadJs === undefined || hasPreloads()) return;

  const compile: LoadedModule['_compile'] = function compile(this: LoadedModule, content, filename, format) {
    noteRunning();
    const isOurs = isPacked(filename) && compilesAsEver();
    if (isOurs && format === 'module') return withModules(() => apply(_compile, this, [content, filename, format]));
    const script = isOurs && (format === undefined || format === 'commonjs') ? compileNew(content, filename) : null;
    if (script === null) return apply(_compile, this, [content, filename, format]);
    return execute(this, script.runInThisContext() as never, { filename });
  };
  prototype._compile = compile;
  _extensions['.js'] = function (module, filename) {
    noteRunning();
    const script = module._compile === compile && isPacked(filename) && compilesAsEver() ? scriptOf(filename) : null;
    if (script === null) apply(loadJs, this, [module, filename]);
    else
      withoutHooks(() =>
        execute(module, script.runInThisContext() as never, { filename, found: foundFrom(folderOf(module)) }),
      );
  };
  watchHooks(function (this: unknown, request, parent, isMain, options) {
    const from = parent !== undefined && (options === undefined || sayNothing(options)) ? folderOf(parent) : null;
    const known = foundFrom(from)?.get(request);
    if (known !== undefined && resolvesAsEver()) return known;
    const found = resolveInside(request, parent, {
      place: packagePlace(),
      resolve: (from) => apply(_resolveFilename, this, [request, from, isMain, options]),
    });
    if (from !== null && found !== request && isForGood(found) && resolvesAsEver()) noteFound(from, request, found);
    return found;
  });
  watchSync();
  isInstalled = true;
}

/** Does what loads ES modules, at once. */
function withModules<Result>(load: () => Result): Result {
  const end = beginPackageModules();
  try {
    return load();
  } finally {
    end();
  }
}

/** Until what it returns is called, ES modules of packages are loaded with what is known of them. */
export function beginPackageModules(): () => void {
  const place = packagePlace();
  if (place === null || !isInstalled) return () => undefined;
  const pack = openPack();
  return beginModules({
    found: pack?.modules ?? new Map<string, never>(),
    exported: pack?.exported ?? new Map<string, never>(),
    sources: pack?.sources ?? new Map<string, never>(),
    folder: modulesFolderOf(place),
    textAt: (url) => pack?.files.get(pathIn(url) ?? '')?.text.slice(opening.length, -closing.length) ?? null,
    isForGood: (url) => pathIn(url) !== null,
    refuse: (specifier, from, url) =>
      refuseOutside(specifier, { place, from: fileURLToPath(from), found: fileURLToPath(url) }),
  });
}

/** The code of a file from the pack; null where that does not have it. */
function scriptOf(filename: string): CompiledScript | null {
  const file = openPack()?.files.get(filename);
  if (file === undefined) return null;
  if (!isForGood(filename) && !isSame(file, identityOf(filename))) return null;
  const script = compileText(file.text, filename, file.code);
  if (script.cachedDataRejected === true) return null;
  loaded.used += 1;
  return script;
}

/** The code of a file that Node has read; null where it is not CommonJS, or cannot stand in a function. */
function compileNew(content: string, filename: string): CompiledScript | null {
  if (content.startsWith('#!')) return null;
  const text = `${opening}${content}${closing}`;
  try {
    const script = compileText(text, filename);
    loaded.newFiles.set(filename, { content, text, script });
    return script;
  } catch {
    return null;
  }
}

function compileText(text: string, filename: string, cachedData?: Uint8Array): CompiledScript {
  return new Script(text, {
    filename,
    columnOffset: -opening.length,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData: cachedData as Buffer }),
  });
}

/** Where the requests of a module are looked up from, as Node remembers them; null outside of what stays as it is. */
function folderOf({ filename, path }: Pick<LoadedModule, 'filename' | 'path'>): string | null {
  return typeof filename === 'string' &&
    typeof path === 'string' &&
    filename.lastIndexOf('/') === path.length &&
    filename.startsWith(path) &&
    isForGood(filename)
    ? path
    : null;
}

function foundFrom(folder: string | null): ReadonlyMap<string, string> | undefined {
  return folder === null ? undefined : loaded.pack?.foundFrom(folder);
}

function noteFound(folder: string, request: string, found: string): void {
  const of = loaded.newlyFound.get(folder);
  if (of === undefined) loaded.newlyFound.set(folder, new Map([[request, found]]));
  else of.set(request, found);
}

function openPack(): Pack | null {
  if (loaded.pack !== undefined) return loaded.pack;
  const place = packagePlace();
  const isThere = place !== null && existsSync(place.compiledFolder);
  return (loaded.pack = isThere ? readPack(packPathOf(place), identityOfTree()) : null);
}

function isSame(file: PackedFile, seen: ReturnType<typeof identityOf>): boolean {
  return seen !== null && seen.size === file.size && seen.mtimeMs === file.mtimeMs && seen.ino === file.ino;
}

/** What is loaded before a worker may have registered hooks, which nothing tells. */
function hasPreloads(): boolean {
  // To compile the pattern is half a percent of a worker's start.
  return nodeOptions !== '' && /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)\b/.test(nodeOptions);
}
