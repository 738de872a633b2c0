import type { Script } from 'node:vm';
import type { BundleMessage } from '../protocol/to-worker.ts';
import { keep, readKept, removeKept } from './kept-file.ts';
import { nameOfNode } from './name-of-node.ts';
import { hasUnkeptPackages, keepPackages } from './packages/keep-packages.ts';

// Taken before the task runs, which may put its own in their place.
const { existsSync, readFileSync } = process.getBuiltinModule('node:fs');

/** The parameters of a bundle in CommonJS: those of a module in Node. */
const parameters = ['exports', 'require', 'module', '__filename', '__dirname'] as const;
type Evaluate = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** Smaller bundles are compiled in the time that it takes to find their compiled code and check it: docs/decisions/compiled-code.md has the figures. */
export const minKeptBytes = 256 * 1024;

/** What this process has compiled itself, and where the next one will look for it. */
let unkept: { readonly script: Script; readonly path: string } | null = null;

/** Compiles a bundle in CommonJS: a large one from what an earlier attempt has kept, where that fits this Node and its flags. */
export function compileBundle({ path, compiledFolder }: BundleMessage): Evaluate {
  const vm = process.getBuiltinModule('node:vm');
  const code = readFileSync(path); // and then decoded: with 'utf8' it takes three times as long
  const options = { filename: path, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  // A first line with #! can stand at the beginning only.
  if (code.length < minKeptBytes || code[0] === 0x23)
    return vm.compileFunction(code.toString(), parameters, options) as Evaluate;
  // Only a Script can tell after it has run what V8 has compiled of it.
  const opening = Buffer.from(`(function (${parameters.join(', ')}) {`);
  const text = Buffer.concat([opening, code, Buffer.from('\n})')]).toString();
  const keptAt = `${compiledFolder}/${nameOfNode()}`;
  const cachedData = readKept(keptAt);
  const script = new vm.Script(text, {
    ...options,
    columnOffset: -opening.length,
    ...(cachedData === null ? {} : { cachedData }),
  });
  if (cachedData === null || script.cachedDataRejected === true) unkept = { script, path: keptAt };
  if (script.cachedDataRejected === true) removeKept(keptAt);
  return script.runInThisContext() as Evaluate;
}

/** Whether this attempt has compiled code that the next ones could use. */
export function hasUnkeptCode(): boolean {
  return unkept !== null || hasUnkeptPackages();
}

/** Keeps what V8 has compiled until now of the bundle and of packages. A folder that cannot be written to has no compiled code, and nothing else is lost. */
export function keepCompiledCode(): void {
  if (unkept !== null) {
    const { script, path } = unkept;
    unkept = null;
    if (!existsSync(path)) keep(path, () => [script.createCachedData()]); // else another attempt was faster
  }
  keepPackages();
}
