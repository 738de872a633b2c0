import type { Script as CompiledScript } from 'node:vm';
import type { StartMessage } from '../../protocol/to-worker.ts';
import { watchSync } from './builtin-imports.ts';
import { keep, removeKept } from '../kept-file.ts';
import { hashOf, nameOfNode } from '../name-of-node.ts';
import { newCommonJsExports, noteRunning } from './exports-of-commonjs.ts';
import {
  compilesAsEver,
  execute,
  type LoadedModule,
  loader,
  resolvesAsEver,
  sayNothing,
  watchHooks,
} from './node-loader.ts';
import {
  beginModules,
  countModules,
  type FoundModules,
  keepModules,
  type ModuleSources,
  newlyFoundModules,
  newModuleSources,
  withoutHooks,
} from './load-modules.ts';
import { encodePack, type FoundFiles, type Pack, type PackedFile, readPack } from './pack-file.ts';
import { type OwnPlace, refuseOutside, resolveInside } from './stay-inside.ts';

// Taken before the task runs, which may put its own in their place.
const { existsSync, readdirSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');
const { fileURLToPath } = process.getBuiltinModule('node:url');
const { constants, Script } = process.getBuiltinModule('node:vm');
const { apply } = Reflect;

const nodeOptions = process.env['NODE_OPTIONS'] ?? '';

/** A smaller text is loaded by Node in the time that it takes to find a pack. */
const minPackedLength = 96 * 1024;
const minPackedModules = 12;
/** A pack is replaced when an attempt loaded more than one file in eight from outside of it, and so often at most. */
const largestMissingShare = 1 / 8;
const maxGenerations = 8;
/** Of one bundle: for other packages, flags or versions of Node. */
const maxPacks = 6;

interface Place extends OwnPlace {
  readonly compiledFolder: string;
  readonly external: readonly string[];
}

interface NewFile {
  readonly content: string;
  readonly text: string;
  readonly script: CompiledScript;
}

let isInstalled = false;
let place: Place | null = null;
/** How the names of files begin that stay as they are. */
let treeStart: string | null = null;
/** Undefined until the first file of a package is loaded. */
let pack: Pack | null | undefined;
let used = 0;
const newFiles = new Map<string, NewFile>();
const newlyFound = new Map<string, Map<string, string>>();
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
      place,
      resolve: (from) => apply(_resolveFilename, this, [request, from, isMain, options]),
    });
    if (from !== null && found !== request && isForGood(found) && resolvesAsEver()) noteFound(from, request, found);
    return found;
  });
  watchSync();
  isInstalled = true;
}

/** Tells which bundle is loaded from here on. */
export function usePackOf({
  bundle: { compiledFolder, packagesFolder },
  external,
}: Pick<StartMessage, 'bundle' | 'external'>): void {
  place = { compiledFolder, packagesFolder, external };
  treeStart = packagesFolder === null ? null : `${packagesFolder}/`;
}

/** Whether the task has packages of its own, in which it finds what it loads. */
export function hasOwnPackages(): boolean {
  return place !== null && place.packagesFolder !== null;
}

/** Whether this attempt has loaded so much from outside of the pack that another should be kept. */
export function hasUnkeptPackages(): boolean {
  const modules = countModules();
  const missing = newFiles.size + modules.unknown;
  if (missing === 0) return false;
  if (pack !== null && pack !== undefined)
    return pack.generation < maxGenerations && missing > (missing + used + modules.known) * largestMissingShare;
  if (modules.unknown >= minPackedModules) return true;
  let length = 0;
  for (const { text } of newFiles.values()) length += text.length;
  return length >= minPackedLength;
}

/** Keeps a pack of what this attempt has loaded, and of what was in the pack before, while that has room. */
export function keepPackages(): void {
  if (place === null || !hasUnkeptPackages()) return;
  const sources = sourcesToKeep();
  const modules = modulesToKeep(sources);
  keep(pathOf(place), () =>
    encodePack({
      files: filesToKeep(),
      found: foundToKeep(),
      modules,
      sources,
      exported: new Map([...(pack?.exported ?? []), ...newCommonJsExports((url) => pathIn(url) !== null)]),
      generation: (pack?.generation ?? 0) + 1,
      tree: identityOfTree(),
    }),
  );
  keepModules(modulesFolderOf(place), modules.size);
  removeOldPacks(place.compiledFolder);
}

/** A bundle that is deployed with other packages again and again has a pack of each. */
function removeOldPacks(folder: string): void {
  try {
    const packs = readdirSync(folder)
      .filter((name) => name.endsWith('.pack'))
      .map((name) => ({ path: `${folder}/${name}`, at: statSync(`${folder}/${name}`).mtimeMs }));
    for (const { path } of packs.sort((one, other) => other.at - one.at).slice(maxPacks)) removeKept(path);
  } catch {
    // Another attempt is doing it.
  }
}

function* filesToKeep(): Iterable<PackedFile> {
  for (const [filename, { content, text, script }] of newFiles) {
    const seen = identityOf(filename);
    // What a hook has changed, or what is another file by now, is for Node to load.
    if (seen === null || readFileSync(filename, 'utf8') !== content) continue;
    yield { filename, ...seen, text, code: script.createCachedData() };
  }
  for (const file of pack?.files.values() ?? []) if (!newFiles.has(file.filename)) yield file;
}

function foundToKeep(): FoundFiles {
  const all = new Map(pack?.allFound());
  for (const [folder, found] of newlyFound) all.set(folder, new Map([...(all.get(folder) ?? []), ...found]));
  return all;
}

function sourcesToKeep(): ModuleSources {
  return new Map([...(pack?.sources ?? []), ...newModuleSources()]);
}

function modulesToKeep(sources: ModuleSources): FoundModules {
  const all = new Map(pack?.modules);
  for (const [parentUrl, found] of newlyFoundModules(sources))
    all.set(parentUrl, new Map([...(all.get(parentUrl) ?? []), ...found]));
  return all;
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
  if (place === null || !isInstalled) return () => undefined;
  if (pack === undefined) pack = openPack();
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

/** The path of a file that stays as it is; null for others. */
function pathIn(url: string): string | null {
  const path = url.startsWith('file:') ? fileURLToPath(url) : null;
  return path !== null && isForGood(path) ? path : null;
}

/** The code of a file from the pack; null where that does not have it. */
function scriptOf(filename: string): CompiledScript | null {
  if (pack === undefined) pack = openPack();
  const file = pack?.files.get(filename);
  if (file === undefined) return null;
  if (!isForGood(filename) && !isSame(file, identityOf(filename))) return null;
  const script = compileText(file.text, filename, file.code);
  if (script.cachedDataRejected === true) return null;
  used += 1;
  return script;
}

/** The code of a file that Node has read; null where it is not CommonJS, or cannot stand in a function. */
function compileNew(content: string, filename: string): CompiledScript | null {
  if (content.startsWith('#!')) return null;
  const text = `${opening}${content}${closing}`;
  try {
    const script = compileText(text, filename);
    newFiles.set(filename, { content, text, script });
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
  return folder === null ? undefined : pack?.foundFrom(folder);
}

function noteFound(folder: string, request: string, found: string): void {
  const of = newlyFound.get(folder);
  if (of === undefined) newlyFound.set(folder, new Map([[request, found]]));
  else of.set(request, found);
}

function openPack(): Pack | null {
  return place === null || !existsSync(place.compiledFolder) ? null : readPack(pathOf(place), identityOfTree());
}

/** Of the folder whose content stays as it is: it is another one when the folder is new, or when somebody has put right what was in it. */
function identityOfTree(): string | null {
  if (place === null || place.packagesFolder === null) return null;
  const seen = identityOf(place.packagesFolder);
  return seen === null ? null : `${seen.ino} ${seen.mtimeMs}`;
}

/** For the code that Node has compiled of modules. */
function modulesFolderOf({ compiledFolder }: Place): string {
  return `${compiledFolder}/modules`;
}

function pathOf({ compiledFolder, packagesFolder }: Place): string {
  // What else decides where Node finds a package.
  return `${compiledFolder}/${nameOfNode()}.${hashOf([packagesFolder, ...loader.globalPaths].join('\n'))}.pack`;
}

/** Whether a file belongs to a package, whose files are there for more than one run. */
function isPacked(filename: string): boolean {
  if (place === null || !filename.includes('/node_modules/')) return false;
  return place.external.length === 0 || !place.external.some((name) => filename.includes(`/node_modules/${name}/`));
}

/** Whether a file, and all around it that could be found in its place, stays as it is. */
function isForGood(filename: string): boolean {
  return treeStart !== null && filename.startsWith(treeStart);
}

function isSame(file: PackedFile, seen: ReturnType<typeof identityOf>): boolean {
  return seen !== null && seen.size === file.size && seen.mtimeMs === file.mtimeMs && seen.ino === file.ino;
}

function identityOf(filename: string): Pick<PackedFile, 'size' | 'mtimeMs' | 'ino'> | null {
  const seen = statSync(filename, { throwIfNoEntry: false });
  return seen === undefined ? null : { size: seen.size, mtimeMs: seen.mtimeMs, ino: seen.ino };
}

/** What is loaded before a worker may have registered hooks, which nothing tells. */
function hasPreloads(): boolean {
  return /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)\b/.test(nodeOptions);
}
