import { relative, sep } from 'node:path';

/** A path relative to the project's folder, with `/` on every system. */
export function relativePath(folder: string, path: string): string {
  return relative(folder, path).replaceAll(sep, '/');
}
