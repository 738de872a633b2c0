import { addonPlatforms } from '../core/addon-platforms.ts';
import { hasOwnPackages } from './packages/package-place.ts';

// Taken before the task runs, which may put its own in their place.
const { closeSync, existsSync, openSync, readSync } = process.getBuiltinModule('node:fs');
const { arch, execPath, platform, version, versions } = process;

/** The releases of Node that have each version of its binary interface. */
const nodes: Readonly<Record<string, string>> = {
  108: '18',
  115: '20',
  127: '22',
  131: '23',
  137: '24',
  141: '25',
  147: '26',
};

/** Why a native add-on could not be loaded, and what to do; null for any other error. */
export function explainAddon(thrown: unknown): string | null {
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  return code === 'ERR_DLOPEN_FAILED' && typeof message === 'string' ? explain(message) : null;
}

function explain(message: string): string | null {
  const file = fileOf(message);
  const ofOther = file === null ? [] : addonPlatforms(startOf(file));
  if (ofOther.length > 0 && !ofOther.includes(`${platform}-${arch}`)) {
    return `It was built for ${ofOther.join(' and ')}, and this machine is ${platform}-${arch}. Install the packages on this platform (remove node_modules, then npm ci), and deploy again.`;
  }
  const [, built] = /NODE_MODULE_VERSION (\d+)/.exec(message) ?? [];
  if (built !== undefined) {
    const other = nodes[built] === undefined ? 'another Node' : `Node ${nodes[built]}`;
    return `It was built for ${other} (NODE_MODULE_VERSION ${built}), and tasks run on Node ${version.slice(1)} (${versions.modules}). ${rebuild(file)}`;
  }
  if (message.includes('libc.musl'))
    return `It was built for musl (Alpine Linux), and this machine has glibc. ${rebuild(file)}`;
  if (/ld-linux|Error relocating/.test(message))
    return `It was built for glibc, and this machine has musl (Alpine Linux). ${rebuild(file)}`;
  const [newer] = /GLIBC(?:XX)?_[\d.]+(?=' not found)/.exec(message) ?? [];
  if (newer !== undefined)
    return `It was built on a newer system than this one, which does not have ${newer}. ${rebuild(file, ' --build-from-source')}`;
  const [, library] = /^([^\s/]+\.so[.\d]*): cannot open shared object file/.exec(message) ?? [];
  return library === undefined
    ? null
    : `It needs the library ${library}, which this machine does not have: install the package of the system that it comes in.`;
}

function fileOf(message: string): string | null {
  return (
    (/^The module '(.+?)'\n/.exec(message) ?? /(?:^|required by |dlopen\()(\/.+?\.node)(?=[:),])/.exec(message))?.[1] ??
    null
  );
}

/** The project's scripts and those of its packages run on the first Node of the path. With its headers at hand none are downloaded. */
function rebuild(file: string | null, option = ''): string {
  const name = file === null ? undefined : [...file.matchAll(/node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//g)].at(-1)?.[1];
  const folder = execPath.slice(0, execPath.lastIndexOf('/'));
  const root = folder.slice(0, folder.lastIndexOf('/'));
  const headers = existsSync(`${root}/include/node/node.h`) ? ` npm_config_nodedir="${root}"` : '';
  // pnpm builds what it may, and says nothing of the rest.
  const [manager, first] = isOfPnpm(file) ? ['pnpm', ' (pnpm approve-builds shows whether it may)'] : ['npm', ''];
  return `Build it again in the project's folder${first}, and deploy again: PATH="${folder}:$PATH"${headers} ${manager} rebuild${name === undefined ? '' : ` ${name}`}${option}`;
}

/** By where its packages stand, or by the project's lock file. */
function isOfPnpm(file: string | null): boolean {
  return file?.includes('/node_modules/.pnpm/') === true || existsSync('pnpm-lock.yaml');
}

function startOf(file: string): Buffer {
  const start = Buffer.alloc(4096);
  try {
    const opened = openSync(file, 'r');
    try {
      return start.subarray(0, readSync(opened, start));
    } finally {
      closeSync(opened);
    }
  } catch {
    return start.subarray(0, 0); // it is not there any more, or is not to be read
  }
}

/** Why a package is not found, and what to do; null for any other error, and where the task has no packages of its own. */
export function explainMissing(thrown: unknown): string | null {
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  if (
    (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') ||
    typeof message !== 'string' ||
    !hasOwnPackages()
  )
    return null;
  const [, name] =
    /^Cannot find (?:module|package) '((?:@[^/'\\:]+\/)?[^./#'\\:@][^/'\\:]*)(?:\/[^']*)?'/.exec(message) ?? [];
  return name === undefined
    ? null
    : `The package ${name} is not part of the deployment. Have it in the dependencies of the project's package.json, name it in the task's code (import it, or write '${name}' where it is loaded by a variable), and deploy again.`;
}

/** What esbuild calls while it decorates a class as ECMAScript has it, in a bundle. */
const isDecorating = (stack: string): boolean => /\bat __decorateElement\b/.test(stack);

/** What may be wrong when a decorator throws that was given what ECMAScript gives it; null for any other error. */
export function explainDecorators(thrown: unknown): string | null {
  const { stack } = thrown as { readonly stack?: unknown };
  return thrown instanceof TypeError && typeof stack === 'string' && isDecorating(stack)
    ? 'The decorators of this class are compiled as ECMAScript has them. Libraries of the time before (TypeORM, tsyringe, Nest) need "experimentalDecorators": true and "emitDecoratorMetadata": true in tsconfig.json, with typescript or @swc/core in the project.'
    : null;
}
