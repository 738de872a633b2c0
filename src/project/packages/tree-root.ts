import { dirname, sep } from 'node:path';
import { isWithin } from './list-files.ts';

/** The lowest folder that holds the project and all of these paths: for what lies in a `node_modules`, the whole of that. */
export function rootOf(folder: string, paths: readonly string[]): string {
  return paths.reduce((root, path) => lowestWith(root, outermostHolder(path)), folder);
}

/** The folder whose `node_modules` a path lies in, or else the path itself. */
function outermostHolder(path: string): string {
  const at = path.indexOf(`${sep}node_modules${sep}`);
  return at === -1 ? path : path.slice(0, at) || sep;
}

function lowestWith(root: string, path: string): string {
  if (isWithin(root, path)) return root;
  return lowestWith(dirname(root), path);
}
