import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Loader, Plugin } from 'esbuild';
import { atStep } from './build-steps.ts';
import { insertFirst } from './insert-first.ts';
import { nameOwnRequire, ownRequire } from './own-require.ts';
import { relativePath } from './relative-path.ts';

/** What a bundle calls the object that stands for `import.meta` in each of its files, and the function that makes one. */
const here = '__cloudcode_here';
const at = '__cloudcode_at';

/** With these, `import.meta`, `__dirname` and `__filename` of every file in a bundle tell where the file itself lies. */
export const locationDefines = { 'import.meta': here, __dirname: `${here}.dirname`, __filename: `${here}.filename` };

const speaksOfPlace = /import\.meta|__dirname|__filename/;

const loaders: Readonly<Record<string, Loader>> = {
  '.tsx': 'tsx',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.jsx': 'jsx',
};

/**
 * Tells each file of a bundle where its source lies, relative to the project's folder, so that the bundle's bytes do not depend on where that folder is. The bundle
 * needs `withLocations`.
 */
export function locationPlugin(folder: string): Plugin {
  return {
    name: 'cloudcode-location',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, ({ path }) => {
        const file = relativePath(folder, path);
        return atStep(`loading ${file}`, async () => {
          const contents = await readFile(path, 'utf8').catch(() => '');
          const renamed = await nameOwnRequire(build, path, contents);
          if (renamed !== null) return { ...withPlace(folder, path, renamed), loader: 'js' };
          return speaksOfPlace.test(contents) ? withPlace(folder, path, contents) : undefined;
        });
      });
    },
  };
}

/** The contents of a file that knows where it lies. */
export function withPlace(
  folder: string,
  path: string,
  contents: string,
): { readonly contents: string; readonly loader: Loader } {
  // A name that is nobody's: `require` may be the file's own.
  const file = JSON.stringify(relativePath(folder, path));
  const place = speaksOfPlace.test(contents) ? `var ${here} = /* @__PURE__ */ ${at}(${file});` : '';
  const prefix = contents.includes(ownRequire)
    ? `${place}var ${ownRequire} = /* @__PURE__ */ ${at}(${file}, true);`
    : place;
  return { contents: prefix === '' ? contents : insertFirst(contents, prefix), loader: loaders[extname(path)] ?? 'js' };
}

/** The code of a bundle that knows where its files lie. No line number changes. @param folderExpression of the project's folder, where the bundle runs */
export function withLocations(code: string, folderExpression: string): string {
  return code.includes(`${at}(`)
    ? insertFirst(
        code,
        `const ${at} = ${atSource(folderExpression)
          .split('\n')
          .map((line) => line.trim())
          .join(' ')};`,
      )
    : code;
}

function atSource(folderExpression: string): string {
  return `(() => {
    const { createRequire } = globalThis.process.getBuiltinModule("node:module"), { dirname, join } = globalThis.process.getBuiltinModule("node:path"), { pathToFileURL } = globalThis.process.getBuiltinModule("node:url");
    const folder = ${folderExpression};
    return (file, asksRequire) => {
      const filename = join(folder, file);
      if (asksRequire) return createRequire(filename);
      const resolve = (specifier) => {
        const found = createRequire(filename).resolve(specifier);
        return found.startsWith("node:") || !found.includes("/") ? found : pathToFileURL(found).href;
      };
      return { url: pathToFileURL(filename).href, filename, dirname: dirname(filename), resolve, main: false };
    };
  })()`;
}
