import { namesUsed } from './names-of-builtins.ts';

/** Of a module that has what an ES module uses of a builtin one, and nothing else. */
const scheme = 'cloudcode-builtin:';
/** Where the code of such modules finds what is theirs. */
const key = Symbol.for('cloudcode.builtin-imports');

const { getBuiltinModule } = process;
const { apply, getOwnPropertyDescriptor } = Reflect;
const { hasOwn } = Object;
const loader = process.getBuiltinModule('node:module');

/** What a builtin module had when it was first imported, or when its imports were last brought up to date: Node's namespace has no more. */
const seen = new Map<string, Record<string, PropertyDescriptor>>();
/** Brings the imports of such a module up to date. */
const updates: (() => void)[] = [];
/** Those whose namespace Node has made already. */
const imported = new Set<string>();

/** `http` of `node:http`, when it is costly to import: Node's namespace of it holds what each of its getters gives. Undici, for one, which is large. */
function costlyIn(url: string): string | null {
  if (!url.startsWith('node:')) return null;
  const id = url.slice('node:'.length);
  if (getBuiltinModule(url) === undefined) return null;
  return Object.values(descriptorsOf(id)).some(isGetter) ? id : null;
}

function isGetter({ enumerable = false, get }: PropertyDescriptor): boolean {
  return enumerable && get !== undefined;
}

/** What an import of a builtin module can resolve to, so that it costs what the importing module uses of it. @param text of that module, which Node has linked @returns the given URL where that cannot be told */
export function slimImport(url: string, specifier: string, text: string): string {
  const id = costlyIn(url);
  const names = id === null ? null : namesUsed(text, specifier);
  if (id === null || names === null) return url;
  const builtin = getBuiltinModule(url) as object;
  return `${scheme}${id}?${names.filter((name) => getOwnPropertyDescriptor(builtin, name)?.enumerable === true).join()}`;
}

/** What it resolves to now: the builtin module itself, when Node has made its namespace anyway or somebody has taken something out of it. */
export function resolveSlim(url: string): string {
  if (!url.startsWith(scheme)) {
    if (url.startsWith('node:')) imported.add(url.slice('node:'.length));
    return url;
  }
  const { id, names } = partsOf(url);
  const all = seen.get(id) ?? descriptorsOf(id);
  if (imported.has(id) || !names.every((name) => hasOwn(all, name))) {
    imported.add(id);
    return `node:${id}`;
  }
  seen.set(id, all);
  if (!hasOwn(globalThis, key)) Object.defineProperty(globalThis, key, { value: giveImports });
  return url;
}

/** The code of such a module; null for any other. */
export function slimSource(url: string): string | null {
  if (!url.startsWith(scheme)) return null;
  const { id, names } = partsOf(url);
  const values = names.map((name, position) => `v${position} = get(${JSON.stringify(name)})`).join(', ');
  return `const [builtin, get, update] = globalThis[Symbol.for('cloudcode.builtin-imports')](${JSON.stringify(id)});
export default builtin;
${names.length === 0 ? '' : `let ${values};\nexport { ${names.map((name, position) => `v${position} as ${name}`).join(', ')} };\nupdate(() => { ${values}; });`}`;
}

function partsOf(url: string): { readonly id: string; readonly names: readonly string[] } {
  const [id = '', names = ''] = url.slice(scheme.length).split('?');
  return { id, names: names === '' ? [] : names.split(',') };
}

function descriptorsOf(id: string): Record<string, PropertyDescriptor> {
  return Object.getOwnPropertyDescriptors<Readonly<Record<string, unknown>>>(
    getBuiltinModule(`node:${id}`) as unknown as Readonly<Record<string, unknown>>,
  );
}

/** Lets `module.syncBuiltinESMExports` count for these imports, too. To be called before the task can ask for it. */
export function watchSync(): void {
  const { syncBuiltinESMExports: sync } = loader;
  loader.syncBuiltinESMExports = function syncBuiltinESMExports() {
    apply(sync, loader, []);
    for (const id of seen.keys()) seen.set(id, descriptorsOf(id));
    for (const update of updates) update();
  };
}

function giveImports(id: string): readonly [object, (name: string) => unknown, (update: () => void) => void] {
  const builtin = getBuiltinModule(`node:${id}`) as object;
  const get = (name: string): unknown => {
    const is: PropertyDescriptor | undefined = seen.get(id)?.[name];
    return is?.get === undefined ? (is?.value as unknown) : apply(is.get, builtin, []);
  };
  return [builtin, get, (update) => updates.push(update)];
}
