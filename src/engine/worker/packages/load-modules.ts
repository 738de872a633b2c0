import { resolveSlim, slimImport, slimSource } from './builtin-imports.ts';
import { type CommonJsExports, noteImported, notePassedOn, withExports } from './exports-of-commonjs.ts';
import { hookModules, isModuleHooked, readsAsEver } from './node-loader.ts';

// Taken before the task runs, which may put its own in their place.
const { readdirSync, readFileSync, rmSync } = process.getBuiltinModule('node:fs');
const { fileURLToPath } = process.getBuiltinModule('node:url');
const { enableCompileCache, flushCompileCache } = process.getBuiltinModule('node:module');

/** What an import of an ES module in a package has resolved to. */
export interface FoundModule {
  readonly url: string;
  readonly format: string | null;
}

/** By the URL of the importing module, and by specifier. */
export type FoundModules = ReadonlyMap<string, ReadonlyMap<string, FoundModule>>;

/** The texts of ES modules, by URL. */
export type ModuleSources = ReadonlyMap<string, () => string>;

interface Known {
  /** Of an earlier attempt; what is in it is used without a look at the disk. */
  readonly found: FoundModules;
  readonly sources: ModuleSources;
  /** What a CommonJS file says, whose exports Node looks for in its text, and what it has found there. */
  textAt(url: string): string | null;
  readonly exported: CommonJsExports;
  /** For the code that Node has compiled of modules. */
  readonly folder: string;
  /** Whether what is at a URL stays as it is. */
  isForGood(url: string): boolean;
  /** @throws for what is found from a module where it must not be */
  refuse(specifier: string, parentUrl: string, url: string): void;
}

interface Context {
  readonly conditions: readonly string[];
  readonly parentURL?: string;
  readonly importAttributes?: object;
}
interface Resolved {
  readonly url: string;
  readonly format?: string | null;
}

interface LoadContext {
  readonly format?: string | null | undefined;
  readonly conditions: readonly string[];
}
type Load = (url: string, context: LoadContext) => Loaded;
interface Loaded {
  readonly format?: string | null | undefined;
  readonly source?: unknown;
}

/** More files than modules by so many are of modules that no attempt will load again. */
const maxOthers = 500;

const newlyFound = new Map<string, Map<string, FoundModule>>();
const newSources = new Map<string, unknown>();
const usedParents = new Set<string>();
let hooks: { readonly known: Known; deregister(): void } | null = null;
let isKept = false;

/** How many modules have imported something that was not known, and how many only what was. */
export function countModules(): { readonly unknown: number; readonly known: number } {
  return { unknown: newlyFound.size, known: usedParents.size };
}

/** What the imports of modules have resolved to that were not known. @param sources of all modules */
export function newlyFoundModules(sources: ModuleSources): FoundModules {
  return new Map(
    [...newlyFound].map(([parentUrl, found]) => {
      const text = sources.get(parentUrl)?.() ?? textOf(parentUrl);
      const slim = ([specifier, { url, format }]: readonly [string, FoundModule]): [string, FoundModule] => {
        const to = text === undefined ? url : slimImport(url, specifier, text);
        return [specifier, { url: to, format: to === url ? format : 'module' }];
      };
      return [parentUrl, new Map([...found].map(slim))];
    }),
  );
}

/** The texts of modules that were not known. */
export function newModuleSources(): ModuleSources {
  return new Map(
    [...newSources].flatMap(([url, source]) => {
      const text =
        typeof source === 'string'
          ? source
          : source instanceof Uint8Array
            ? Buffer.from(source.buffer, source.byteOffset, source.byteLength)
                .toString()
                .replace(/^\uFEFF/, '')
            : null;
      return text === null ? [] : [[url, () => text]];
    }),
  );
}

/** Of a module that was required, and that Node gave to no hook. */
function textOf(url: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(url), 'utf8');
  } catch {
    return undefined;
  }
}

/** Writes what Node has compiled of modules, which it does itself only where a process ends in order. Node checks version, flags and content of what it keeps; that it does not pile up is for us to see. */
export function keepModules(folder: string, count: number): void {
  if (!isKept) return;
  try {
    if (readdirSync(folder, { recursive: true }).length > count + maxOthers)
      rmSync(folder, { recursive: true, force: true });
  } catch {
    // There is none yet.
  }
  flushCompileCache();
}

/** Lets Node begin to load ES modules of packages: what their imports resolve to and what they say is known from an earlier attempt, and Node keeps what it compiles. @returns what ends that */
export function beginModules(known: Known): () => void {
  if (!isKept) enableCompileCache(known.folder);
  isKept = true;
  const before = hooks;
  hooks ??= hook(known);
  return () => {
    if (before === null) unhook();
  };
}

/** Does what loads CommonJS, where Node takes longer for each `require` while there are hooks. */
export function withoutHooks<Result>(load: () => Result): Result {
  if (hooks === null) return load();
  const { known } = hooks;
  unhook();
  try {
    return load();
  } finally {
    hooks = hook(known);
  }
}

function hook(known: Known): typeof hooks {
  if (isModuleHooked()) return null;
  const registered = hookModules({
    resolve: (specifier: string, context: Context, next: (specifier: string, context: Context) => Resolved) =>
      resolve(known, specifier, context, next),
    load: (url: string, context: LoadContext, next: Load) => load(known, url, context, next),
  });
  return { known, deregister: () => registered.deregister() };
}

function unhook(): void {
  hooks?.deregister();
  hooks = null;
}

function resolve(
  { found, isForGood, refuse }: Known,
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Resolved,
): Resolved & { readonly shortCircuit?: boolean } {
  const { parentURL, conditions, importAttributes } = context;
  if (parentURL === undefined || isModuleHooked()) return next(specifier, context);
  if (!conditions.includes('import')) {
    const resolved = next(specifier, context);
    notePassedOn(parentURL, resolved.url);
    return resolved;
  }
  if (Object.keys(importAttributes ?? {}).length > 0) return next(specifier, context);
  const known = found.get(parentURL)?.get(specifier);
  if (known !== undefined) {
    usedParents.add(parentURL);
    const url = resolveSlim(known.url);
    return { url, format: url === known.url ? known.format : 'builtin', shortCircuit: true };
  }
  const resolved = next(specifier, context);
  if (parentURL.startsWith('file:') && resolved.url.startsWith('file:')) refuse(specifier, parentURL, resolved.url);
  if (isForGood(parentURL) && (resolved.url.startsWith('node:') || isForGood(resolved.url))) {
    const of = newlyFound.get(parentURL) ?? new Map<string, FoundModule>();
    newlyFound.set(parentURL, of.set(specifier, { url: resolved.url, format: resolved.format ?? null }));
  }
  resolveSlim(resolved.url);
  return resolved;
}

function load(
  { sources, textAt, exported, isForGood }: Known,
  url: string,
  context: LoadContext,
  next: Load,
): Loaded & { readonly shortCircuit?: boolean } {
  const slim = slimSource(url);
  if (slim !== null) return { format: 'module', source: slim, shortCircuit: true };
  if (isModuleHooked() || !readsAsEver()) return next(url, context);
  const source = sources.get(url);
  if (source !== undefined) return { format: 'module', source: source(), shortCircuit: true };
  const { format, conditions } = context;
  const isImported = conditions.includes('import');
  const names = isImported ? exported.get(url) : undefined;
  const text =
    format === 'commonjs' || names !== undefined || (format === undefined && !isImported) ? textAt(url) : null;
  if (text !== null) {
    if (isImported) noteImported(url);
    return names === undefined
      ? { format, source: text, shortCircuit: true }
      : { format: 'commonjs', source: withExports(text, url, names), shortCircuit: true };
  }
  const loaded = next(url, context);
  if (isImported && loaded.format === 'commonjs') noteImported(url);
  if (loaded.format === 'module' && isForGood(url)) newSources.set(url, loaded.source);
  return loaded;
}
