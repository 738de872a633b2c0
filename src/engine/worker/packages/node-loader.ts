/** What of Node's loader @types/node leaves out. */
export interface LoadedModule {
  readonly id: string;
  readonly path: string;
  exports: unknown;
  readonly filename: string | null;
  readonly loaded: boolean;
  readonly children?: object[];
  readonly paths?: string[];
  require(id: string): unknown;
  _compile(content: string, filename: string, format?: string): unknown;
}

interface ResolveOptions {
  readonly paths?: unknown;
  readonly conditions?: unknown;
}
export type ResolveFilename = (
  request: string,
  parent: LoadedModule | undefined,
  isMain: boolean,
  options?: ResolveOptions,
) => string;
type Handler = (module: LoadedModule, filename: string) => void;

export interface NodeLoader {
  new (id: string): LoadedModule;
  readonly prototype: LoadedModule;
  readonly _cache: Record<string, LoadedModule | undefined>;
  readonly _load: unknown;
  readonly _extensions: Record<string, Handler>;
  readonly globalPaths: readonly string[];
  readonly wrap: unknown;
  readonly wrapper: readonly [string, string];
  _resolveFilename: ResolveFilename;
  _resolveLookupPaths(request: string, parent: LoadedModule): readonly string[] | null;
  readonly _findPath: unknown;
  _nodeModulePaths(folder: string): readonly string[];
  readonly _stat: unknown;
  readonly _readPackage: unknown;
  createRequire(filename: string): NodeJS.Require;
  registerHooks(hooks: object): { deregister(): void };
  register(...args: unknown[]): unknown;
}

export const loader = process.getBuiltinModule('node:module') as unknown as NodeLoader;
const fs = process.getBuiltinModule('node:fs');

const { _findPath, _load, _nodeModulePaths, _resolveLookupPaths, _stat, _readPackage, prototype, wrap, wrapper } =
  loader;
const { require: nodeRequire } = prototype;
const [opening, closing] = wrapper;
const { readFileSync, realpathSync } = fs;
const ownExtensions = Object.keys(loader._extensions).length;

const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
const { includes, push } = Array.prototype;
const { apply } = Reflect;
/** Where Node tells of what is required. */
let requires: ReturnType<typeof tracingChannel> | null = null;
/** Ours, once it is in place. */
let resolveFilename: ResolveFilename | null = null;

/** Whether a task has put hooks of its own between Node and the files: from then on Node does everything. */
let isHooked = false;
/** The same for ES modules, which have more ways to do it. */
let areModulesHooked = false;
const { register, registerHooks } = loader;

/** Puts our way of finding files into Node's place, and notes from now on whether hooks are registered. */
export function watchHooks(resolve: ResolveFilename): void {
  loader._resolveFilename = resolveFilename = resolve;
  loader.registerHooks = function (hooks) {
    isHooked = areModulesHooked = true;
    return registerHooks.call(loader, hooks);
  };
  loader.register = function (...args) {
    areModulesHooked = true;
    return register.apply(loader, args);
  };
}

export function isModuleHooked(): boolean {
  return areModulesHooked;
}

/** Registers hooks of ours. Those that a task registers later come before them. */
export function hookModules(hooks: object): { deregister(): void } {
  return registerHooks.call(loader, hooks);
}

/** Whether Node would find what it has found in an earlier process: the task has changed nothing of how it looks. */
export function resolvesAsEver(): boolean {
  return (
    !isHooked &&
    loader._findPath === _findPath &&
    loader._nodeModulePaths === _nodeModulePaths &&
    loader._resolveLookupPaths === _resolveLookupPaths &&
    loader._stat === _stat &&
    loader._readPackage === _readPackage &&
    fs.realpathSync === realpathSync &&
    Object.keys(loader._extensions).length === ownExtensions
  );
}

/** The same, and that our way of finding files is in place. */
export function findsAsEver(): boolean {
  return loader._resolveFilename === resolveFilename && resolvesAsEver();
}

/** Those of Node itself for CommonJS, which it gives where there are hooks. */
let ownConditions: unknown;

/** Whether options say nothing: a task asks for other paths, and its hooks for other conditions. */
export function sayNothing({ paths, conditions }: ResolveOptions): boolean {
  if (paths !== undefined) return false;
  if (!isHooked && !areModulesHooked) ownConditions ??= conditions;
  return conditions === undefined || conditions === ownConditions;
}

/** Whether Node would compile the content of the file as it is. */
export function compilesAsEver(): boolean {
  return (
    !isHooked &&
    loader.wrap === wrap &&
    loader.wrapper === wrapper &&
    wrapper[0] === opening &&
    wrapper[1] === closing &&
    readsAsEver() &&
    !hasSourceMaps()
  );
}

/** Whether Node would read files as they are. */
export function readsAsEver(): boolean {
  return fs.readFileSync === readFileSync;
}

function hasSourceMaps(): boolean {
  return (process as { readonly sourceMapsEnabled?: boolean }).sourceMapsEnabled === true;
}

/** Node marks with it a module whose code is running: an ES module that such a one requires must not import it. */
const isExecuting = Object.getOwnPropertySymbols(mainModule() ?? {}).find(
  ({ description }) => description === 'kIsExecuting',
);

/** What the requests of a module resolve to, as far as that is known. */
export type Found = ReadonlyMap<string, string>;

/** Runs a module's code as `Module.prototype._compile` does. */
export function execute(
  module: LoadedModule,
  code: (...args: unknown[]) => unknown,
  { filename, found }: { readonly filename: string; readonly found?: Found | undefined },
): unknown {
  const marks = module as unknown as Record<symbol, boolean>;
  const { exports } = module;
  const require = requireOf(module, found);
  if (isExecuting !== undefined) marks[isExecuting] = true;
  const result = code.call(exports, exports, require, module, filename, module.path);
  if (isExecuting !== undefined) marks[isExecuting] = false;
  return result;
}

/** The `require` of a module, as Node makes it, names of functions included. */
function requireOf(module: LoadedModule, found: Found | undefined): unknown {
  const functions = {
    require: function (path: string): unknown {
      const loaded = found === undefined ? undefined : loadedBefore(module, found.get(path));
      return loaded === undefined ? module.require(path) : loaded.exports;
    },
    resolve: function (request: string, options?: object): string {
      // What is wrong, or not Node's own way any more, is for the one that Node makes.
      if (typeof request !== 'string' || isHooked)
        return loader.createRequire(module.filename ?? '').resolve(request, options);
      return loader._resolveFilename(request, module, false, options ?? {});
    },
    paths: function (request: string): readonly string[] | null {
      return typeof request === 'string'
        ? loader._resolveLookupPaths(request, module)
        : loader.createRequire(module.filename ?? '').resolve.paths(request);
    },
  };
  const { require, resolve, paths } = functions;
  const { _extensions: extensions, _cache: cache } = loader;
  return Object.assign(require, { resolve: Object.assign(resolve, { paths }), main: mainModule(), extensions, cache });
}

/** What `Module._load` would find loaded, and does with it; undefined where that is for it to say. */
function loadedBefore(module: LoadedModule, filename: string | undefined): LoadedModule | undefined {
  if (filename === undefined || !loadsAsEver(module)) return undefined;
  const loaded = loader._cache[filename];
  if (loaded?.loaded !== true) return undefined;
  const { children } = module;
  if (children !== undefined && !apply(includes, children, [loaded])) apply(push, children, [loaded]);
  return loaded;
}

/** Whether `require` would do nothing besides: nobody has changed it, nor is told of it. */
function loadsAsEver(module: LoadedModule): boolean {
  return (
    module.require === nodeRequire &&
    loader._load === _load &&
    findsAsEver() &&
    !(requires ??= tracingChannel('module.require')).hasSubscribers
  );
}

export function mainModule(): object | undefined {
  return (process as { readonly mainModule?: object }).mainModule;
}
