import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { BundleFiles } from './bundle-cache.ts';

/** Puts the user's own files and lines in the place of the bundle's, in a stack that was sampled from outside. */
export function mapSampledStack(sampled: string, files: BundleFiles): string {
  const stack = sampled.replaceAll(pathToFileURL(files.path).href, files.path);
  if (!stack.includes(files.path)) return stack;
  const map = readMap(files.sourceMapPath);
  if (map === null) return stack;
  return stack
    .split('\n')
    .map((line) => mapLine(line, files.path, map))
    .join('\n');
}

function mapLine(line: string, path: string, map: SourceMap): string {
  const start = line.indexOf(path);
  const place = /^:(\d+):(\d+)/.exec(line.slice(start + path.length));
  if (start === -1 || place === null) return line;
  const entry = map.findEntry(Number(place[1]) - 1, Number(place[2]) - 1);
  if (!('originalSource' in entry)) return line;
  const before = line.slice(0, start);
  return `${before}${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}${line.slice(start + path.length + place[0].length)}`;
}

function readMap(path: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    return null; // the stack is still of use as it is
  }
}
