import { findsAsEver, hookModules, isModuleHooked, loader, mainModule } from './node-loader.ts';

// Taken before the task runs, which may put its own in their place.
const { fileURLToPath } = process.getBuiltinModule('node:url');
const { _load } = loader as { readonly _load: (request: string, parent: undefined, isMain: boolean) => unknown };

/** What Node finds in the text of a CommonJS file that an ES module imports, and in those of all files whose exports that passes on. */
export interface ExportedNames {
  readonly names: readonly string[];
  /** The paths of those files, in the order in which Node puts them into its cache. */
  readonly passedOn: readonly string[];
}

/** By URL. */
export type CommonJsExports = ReadonlyMap<string, ExportedNames>;

/** Node marks with it a module that it has made to look at its exports, and that is yet to be loaded. */
const isCachedByEsmLoader = Object.getOwnPropertySymbols(mainModule() ?? {}).find(
  ({ description }) => description === 'kIsCachedByESMLoader',
);
/** Of the module by which the names are asked for. */
const asking = 'cloudcode-names:';
/** What is written in quotes and read as it is. */
const isPlain = (name: string): boolean => /^[\w$-]+$/.test(name);

const imported = new Set<string>();
const passedOn = new Map<string, Set<string>>();
/** Whether Node is reading texts, and runs none. */
let isReading = false;

export function noteImported(url: string): void {
  imported.add(url);
  isReading = true;
}

export function notePassedOn(parentUrl: string, url: string): void {
  if (isReading) passedOn.set(parentUrl, (passedOn.get(parentUrl) ?? new Set()).add(url));
}

/** The code of a file is about to run. */
export function noteRunning(): void {
  isReading = false;
}

/**
 * What a CommonJS file says, for Node to find its exports in. They are named at its end, which ends Node's own search in all files whose exports it passes on;
 * those are put into Node's cache as that search does. Where Node is to search by itself, the text alone.
 */
export function withExports(text: string, url: string, { names, passedOn: others }: ExportedNames): string {
  if (isCachedByEsmLoader === undefined || others.length === 0 || !findsAsEver()) return text;
  for (const path of [fileURLToPath(url), ...others]) {
    if (loader._cache[path] !== undefined) continue;
    const made = new loader(path);
    loader._cache[path] = Object.assign(made, {
      filename: path,
      paths: loader._nodeModulePaths(made.path),
      [isCachedByEsmLoader]: true,
    });
  }
  return `${text}\n;0 && (module.exports = 0${names.map((name) => `, exports[${JSON.stringify(name)}] = 0`).join('')});`;
}

/** What this process has found out, of files that stay as they are. */
export function newCommonJsExports(isForGood: (url: string) => boolean): CommonJsExports {
  if (isModuleHooked() || !findsAsEver()) return new Map();
  const urls = [...imported].filter((url) => isForGood(url) && loader._cache[fileURLToPath(url)]?.loaded === true);
  const all = new Map<string, ExportedNames>();
  for (const [position, names] of namesOf(urls).entries()) {
    const url = urls[position] ?? '';
    const others = othersOf(url);
    if (names.every(isPlain) && others.every(isForGood))
      all.set(url, { names, passedOn: others.map((one) => fileURLToPath(one)) });
  }
  return all;
}

/** All that a file passes on, as Node goes through them. */
function othersOf(url: string): readonly string[] {
  const seen = new Set([url]);
  const visit = (parentUrl: string): void => {
    for (const one of passedOn.get(parentUrl) ?? []) {
      if (seen.has(one) || !one.startsWith('file:') || /\.(?:json|node|[cm]?ts)$/.test(one)) continue;
      seen.add(one);
      visit(one);
    }
  };
  visit(url);
  return [...seen].slice(1);
}

/** Asks Node for the names that it has found in files, all of which are loaded: by a module that imports them. */
function namesOf(urls: readonly string[]): readonly (readonly string[])[] {
  if (urls.length === 0) return [];
  const imports = urls.map((url, position) => `import * as m${position} from ${JSON.stringify(url)};`).join('\n');
  const source = `${imports}\nexport const all = [${urls.map((_url, position) => `m${position}`).join()}];`;
  const hooks = hookModules({
    resolve: (specifier: string, context: object, next: (specifier: string, context: object) => object) =>
      specifier === asking ? { url: asking, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (url: string, context: object, next: (url: string, context: object) => object) =>
      url === asking ? { format: 'module', source, shortCircuit: true } : next(url, context),
  });
  try {
    const { all } = _load(asking, undefined, false) as { readonly all: readonly object[] };
    return all.map((names) => Object.keys(names).filter((name) => name !== 'default' && name !== 'module.exports'));
  } finally {
    hooks.deregister();
  }
}
