import type { LoadedModule } from './node-loader.ts';

export interface OwnPlace {
  /** Of the deployment: `…/packages/<hash>`, beside `…/deployments`. Null where it has none. */
  readonly packagesFolder: string | null;
}

interface Resolving {
  readonly place: OwnPlace | null;
  /** What Node finds from a module. @throws its error */
  resolve(from: LoadedModule | undefined): string;
}

/**
 * What a request for a package from a file of the deployment resolves to. A `node_modules` of a folder in which the machine's own happen to lie, as the project's does, is no part of the deployment:
 * it would be found on some machines only. What is found there counts as not found, on all of them.
 * @throws Node's error for what is not found
 */
export function resolveInside(
  request: string,
  parent: LoadedModule | undefined,
  { place, resolve }: Resolving,
): string {
  const found = resolve(parent);
  if (
    parent?.filename === null ||
    parent?.filename === undefined ||
    parent.paths === undefined ||
    !leadsOut(request, { place, from: parent.filename, found })
  )
    return found;
  const roots = rootsOf(place);
  return resolve(
    Object.create(parent, {
      paths: { value: parent.paths.filter((path) => roots.some((root) => path.startsWith(root))) },
    }) as LoadedModule,
  );
}

/** The same for an ES module. @throws as Node does where it finds none */
export function refuseOutside(
  specifier: string,
  where: { readonly place: OwnPlace | null; readonly from: string; readonly found: string },
): void {
  if (!leadsOut(specifier, where)) return;
  throw Object.assign(new Error(`Cannot find package '${specifier}' imported from ${where.from}`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

function leadsOut(
  request: string,
  { place, from, found }: { readonly place: OwnPlace | null; readonly from: string; readonly found: string },
): boolean {
  if (/^[./#]|:/.test(request) || !found.startsWith('/')) return false;
  const roots = rootsOf(place);
  const isInside = (path: string): boolean => roots.some((root) => path.startsWith(root));
  return isInside(from) && !isInside(found);
}

/** The folders of deployments on this machine, with a slash at their ends. */
function rootsOf(place: OwnPlace | null): readonly string[] {
  const packages = place?.packagesFolder ?? null;
  if (packages === null) return [];
  const machine = packages.slice(0, packages.lastIndexOf('/', packages.lastIndexOf('/') - 1));
  return [`${packages}/`, `${machine}/deployments/`];
}
