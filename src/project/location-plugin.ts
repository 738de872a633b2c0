import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Loader, Plugin } from 'esbuild';
import { atStep } from './build-steps.ts';
import { insertFirst } from './insert-first.ts';
import { relativePath } from './relative-path.ts';

/** What a bundle calls the object that stands for `import.meta` in each of its files. */
const here = '__cloudcode_here';

/** With these, `import.meta`, `__dirname` and `__filename` of every file in a bundle tell where the file itself lies. */
export const locationDefines = { 'import.meta': here, __dirname: `${here}.dirname`, __filename: `${here}.filename` };

/** An expression for the project's folder where the bundle runs: the worker sets the symbol, and else starts in the folder. */
export const folderAtRunTime = '(globalThis[Symbol.for("cloudcode.folder")] ?? process.cwd())';

const speaksOfPlace = /import\.meta|__dirname|__filename/;

const loaders: Readonly<Record<string, Loader>> = { '.tsx': 'tsx', '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.jsx': 'jsx' };

/**
 * Tells each file of a bundle where its source lies, relative to the project's folder, so that the bundle's bytes do not depend on
 * where that folder is. `load` resolves what is left outside of the bundle (see native-plugin.ts) from the place of its importer.
 */
export function locationPlugin(folder: string, folderExpression: string): Plugin {
  return {
    name: 'cloudcode-location',
    setup(build) {
      build.onResolve({ filter: /^cloudcode:here$/ }, () => ({ path: 'here', namespace: 'cloudcode', sideEffects: false }));
      build.onLoad({ filter: /^here$/, namespace: 'cloudcode' }, () => ({ contents: hereSource(folderExpression), loader: 'js' }));
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, ({ path }) => {
        const file = relativePath(folder, path);
        return atStep(`loading ${file}`, async () => {
          const contents = await readFile(path, 'utf8').catch(() => '');
          return speaksOfPlace.test(contents) ? withPlace(folder, path, contents) : undefined;
        });
      });
    },
  };
}

/** The contents of a file that knows where it lies. */
export function withPlace(folder: string, path: string, contents: string): { readonly contents: string; readonly loader: Loader } {
  const prefix = `var ${here} = /* @__PURE__ */ require("cloudcode:here").at(${JSON.stringify(relativePath(folder, path))});`;
  return { contents: speaksOfPlace.test(contents) ? insertFirst(contents, prefix) : contents, loader: loaders[extname(path)] ?? 'js' };
}

function hereSource(folderExpression: string): string {
  return `
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const folder = ${folderExpression};
exports.at = (file) => {
  const filename = join(folder, file);
  const resolve = (specifier) => {
    const found = createRequire(filename).resolve(specifier);
    return found.startsWith('node:') || !found.includes('/') ? found : pathToFileURL(found).href;
  };
  return { url: pathToFileURL(filename).href, filename, dirname: dirname(filename), resolve, main: false };
};
exports.load = (importer, specifier) => createRequire(join(folder, importer))(specifier);
`;
}
