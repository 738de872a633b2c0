// What a worker's process begins with: the worker's own code, from what V8 has compiled of it where a runner has had that made. Called as `worker-start.cjs [FILE VERSION [keep]]`.
const { readFileSync, renameSync, rmSync, statSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { Script, constants } = process.getBuiltinModule('node:vm');

const [, , compiled, version, mode] = process.argv;
const filename = `${__dirname}/worker.cjs`;
// What a task sees of this process.
process.argv = [process.execPath, filename];
// It is all ASCII, and read the quickest way.
const source = readFileSync(filename, 'latin1');
const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
  filename,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  ...(compiled === undefined || mode === 'keep' || !isVersion() ? {} : cachedData(compiled)),
});
if (mode === 'keep' && compiled !== undefined) keepAtEnd(compiled);
(script.runInThisContext() as (...given: readonly unknown[]) => void)(exports, require, module, filename, __dirname);

/** Whether the worker's code is still that which the runner knows: V8 looks at no more of it than its length. */
function isVersion(): boolean {
  const { ctimeMs, size } = statSync(filename);
  return version === `${size}-${ctimeMs}`;
}

/** V8 refuses by itself what was made for another version of it, other flags or a source of another length, and compiles anew. */
function cachedData(path: string): { readonly cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(path) };
  } catch {
    return {}; // somebody has removed it
  }
}

/** Nobody sends this process a run: when its channel ends it has done all that a worker does before one, and ends. */
function keepAtEnd(path: string): void {
  const leave = process.reallyExit.bind(process);
  process.reallyExit = (code) => {
    const temporary = `${path}.${process.pid}.tmp`;
    if (!isVersion()) return leave(1); // it was replaced while this process had it
    try {
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, path);
    } catch {
      rmSync(temporary, { force: true });
      return leave(1);
    }
    return leave(code);
  };
}
