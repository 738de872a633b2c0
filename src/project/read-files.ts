import { channel } from 'node:diagnostics_channel';
import { dirname, join } from 'node:path';
import type { Message, Plugin } from 'esbuild';

const files = channel('cloudcode.files-read');

/** Calls the listener with each file that a build of this process reads, or looks for in vain, as an absolute path; and with what `patternTold` knows. */
export function onFileRead(listener: (path: string) => void): void {
  files.subscribe((path) => listener(String(path)));
}

/** Tells of a file that a build depends on without reading it. */
export function tellRead(path: string): void {
  files.publish(path);
}

const patternMark = 'pattern:';

/** Tells of a pattern by which a build looks for files. @param path relative to the project's folder */
export function tellPattern(path: string): void {
  files.publish(`${patternMark}${path}`);
}

/** The pattern that was told of in place of a file; null for a file. */
export function patternTold(told: string): string | null {
  return told.startsWith(patternMark) ? told.slice(patternMark.length) : null;
}

/** Tells of every file that goes into a bundle, whether the bundle succeeds or not. */
export const readFilesPlugin: Plugin = {
  name: 'cloudcode-read-files',
  setup(build) {
    build.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => {
      files.publish(path);
      return undefined;
    });
  },
};

const endings = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];

/** Tells of the files that a build did not find: it succeeds once one of them is there. */
export function tellMissing(folder: string, problems: readonly Message[]): void {
  for (const { text, location } of problems) {
    const [, path] = /^Could not resolve "(\.[^"]*)"/.exec(text) ?? [];
    if (path === undefined || location === null) continue;
    const base = join(folder, dirname(location.file), path);
    for (const ending of endings)
      for (const candidate of [`${base}${ending}`, join(base, `index${ending}`)]) files.publish(candidate);
    // TypeScript names the compiled file.
    files.publish(base.replace(/\.([cm]?)js$/, '.$1ts'));
  }
}
