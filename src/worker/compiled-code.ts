import type { Script } from 'node:vm';
import type { BundleMessage } from '../protocol/worker-messages.ts';

// Taken before the task runs, which may put its own in their place.
const { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writevSync } = process.getBuiltinModule('node:fs');

/** The parameters of a bundle in CommonJS: those of a module in Node. */
const parameters = ['exports', 'require', 'module', '__filename', '__dirname'] as const;
type Evaluate = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** Smaller bundles are compiled in the time that it takes to find their compiled code and check it: docs/decisions/compiled-code.md has the figures. */
export const leastKeptBytes = 256 * 1024;
const checksumBytes = 4;

/** What this process has compiled itself, and where the next one will look for it. */
let unkept: { readonly script: Script; readonly path: string; readonly temporary: string } | null = null;

/** Compiles a bundle in CommonJS: a large one from what an earlier attempt has kept, where that fits this Node and its flags. */
export function compileBundle({ path, compiledFolder }: BundleMessage): Evaluate {
  const vm = process.getBuiltinModule('node:vm');
  const code = readFileSync(path); // and then decoded: with 'utf8' it takes three times as long
  const options = { filename: path, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  // A first line with #! can stand at the beginning only.
  if (code.length < leastKeptBytes || code[0] === 0x23) return vm.compileFunction(code.toString(), parameters, options) as Evaluate;
  // Only a Script can tell after it has run what V8 has compiled of it.
  const opening = Buffer.from(`(function (${parameters.join(', ')}) {`);
  const text = Buffer.concat([opening, code, Buffer.from('\n})')]).toString();
  const keptAt = `${compiledFolder}/${nameOfNode()}`;
  const cachedData = readKept(keptAt);
  const script = new vm.Script(text, { ...options, columnOffset: -opening.length, ...(cachedData === null ? {} : { cachedData }) });
  if (cachedData === null || script.cachedDataRejected === true) unkept = { script, path: keptAt, temporary: `${keptAt}.${process.env['CLOUDCODE_ATTEMPT'] ?? ''}.tmp` };
  if (script.cachedDataRejected === true) remove(keptAt);
  return script.runInThisContext() as Evaluate;
}

/** Whether this attempt has compiled code that the next ones could use. */
export function hasUnkeptCode(): boolean {
  return unkept !== null;
}

/** Keeps what V8 has compiled until now. A folder that cannot be written to has no compiled code, and nothing else is lost. */
export function keepCompiledCode(): void {
  if (unkept === null) return;
  const { script, path, temporary } = unkept;
  unkept = null;
  try {
    if (existsSync(path)) return; // another attempt was faster
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    writeWhole(temporary, script.createCachedData());
    renameSync(temporary, path);
  } catch {
    remove(temporary);
  }
}

// V8 checks its own version and flags and the length of the source. The rest is ours: the folder is the bundle's, and the checksum tells what a crash of the machine has left half written.
function readKept(path: string): Buffer | null {
  try {
    const kept = readFileSync(path);
    const data = kept.subarray(checksumBytes);
    if (kept.readUInt32LE(0) === checksumOf(data)) return data;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  }
  remove(path);
  return null;
}

function writeWhole(path: string, data: Buffer): void {
  const checksum = Buffer.alloc(checksumBytes);
  checksum.writeUInt32LE(checksumOf(data), 0);
  const file = openSync(path, 'wx');
  try {
    const written = writevSync(file, [checksum, data]);
    if (written < checksum.length + data.length) throw new Error('the disk is full');
  } finally {
    closeSync(file);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder cannot be written to: what is there stays, unused.
  }
}

function checksumOf(data: Uint8Array): number {
  return process.getBuiltinModule('node:zlib').crc32(data);
}

/** Code is compiled for one version of V8, its flags, and the processor. */
function nameOfNode(): string {
  const tag = process.getBuiltinModule('node:v8').cachedDataVersionTag().toString(16);
  return `${process.version}-${process.arch}-${tag}`;
}
