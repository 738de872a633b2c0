import { hookModules, isModuleHooked } from './node-loader.ts';

// Taken before the task runs, which may put its own in their place.
const { readdirSync, rmSync } = process.getBuiltinModule('node:fs');
const { enableCompileCache, flushCompileCache } = process.getBuiltinModule('node:module');

/** What an import of an ES module in a package has resolved to. */
export interface FoundModule {
  readonly url: string;
  readonly format: string | null;
}

/** By the URL of the importing module, and by specifier. */
export type FoundModules = ReadonlyMap<string, ReadonlyMap<string, FoundModule>>;

interface Known {
  /** Of an earlier attempt; what is in it is used without a look at the disk. */
  readonly found: FoundModules;
  /** For the code that Node has compiled of modules. */
  readonly folder: string;
  /** Whether what is at a URL stays as it is. */
  isForGood(url: string): boolean;
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

/** More files than modules by so many are of modules that no attempt will load again. */
const mostOthers = 500;

const newlyFound = new Map<string, Map<string, FoundModule>>();
const usedParents = new Set<string>();
let underWay = 0;
let hooks: { deregister(): void } | null = null;
let isKept = false;

/** How many modules have imported something that was not known, and how many only what was. */
export function countModules(): { readonly unknown: number; readonly known: number } {
  return { unknown: newlyFound.size, known: usedParents.size };
}

export function newlyFoundModules(): FoundModules {
  return newlyFound;
}

/** Writes what Node has compiled of modules. It does so itself only where a process ends in order. */
export function keepModules(): void {
  if (isKept) flushCompileCache();
}

/** Lets Node begin to load ES modules of packages: what their imports resolve to is known from an earlier attempt, and Node keeps what it compiles. @returns what ends that */
export function beginModules(known: Known): () => void {
  if (!isKept) keepCompiled(known);
  underWay += 1;
  if (underWay === 1 && !isModuleHooked()) hooks = hookModules({ resolve: (specifier: string, context: Context, next: (specifier: string, context: Context) => Resolved) => resolve(known, specifier, context, next) });
  return () => {
    underWay -= 1;
    if (underWay > 0) return;
    hooks?.deregister();
    hooks = null;
  };
}

function resolve({ found, isForGood }: Known, specifier: string, context: Context, next: (specifier: string, context: Context) => Resolved): Resolved & { readonly shortCircuit?: boolean } {
  const { parentURL, conditions, importAttributes } = context;
  if (parentURL === undefined || isModuleHooked() || !conditions.includes('import') || Object.keys(importAttributes ?? {}).length > 0) return next(specifier, context);
  const known = found.get(parentURL)?.get(specifier);
  if (known !== undefined) {
    usedParents.add(parentURL);
    return { ...known, shortCircuit: true };
  }
  const resolved = next(specifier, context);
  if (isForGood(parentURL) && isForGood(resolved.url)) {
    const of = newlyFound.get(parentURL) ?? new Map<string, FoundModule>();
    newlyFound.set(parentURL, of.set(specifier, { url: resolved.url, format: resolved.format ?? null }));
  }
  return resolved;
}

/** Node checks version, flags and content of what it keeps; that it does not pile up is for us to see. */
function keepCompiled({ found, folder }: Known): void {
  isKept = true;
  try {
    const count = readdirSync(folder, { recursive: true }).length;
    if (count > found.size + mostOthers) rmSync(folder, { recursive: true, force: true });
  } catch {
    // There is none yet.
  }
  enableCompileCache(folder);
}
