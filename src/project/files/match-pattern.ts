import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, posix } from 'node:path';
import picomatch from 'picomatch';
import { isWithin, listFile, listFiles, type ListedFile } from '../packages/list-files.ts';
import { tellPattern } from '../read-files.ts';
import { relativePath } from '../relative-path.ts';
import { neverTravels } from './never-travels.ts';

/** The files that a pattern names, or what is wrong with it: continues `"…" …`. */
export type Matched =
  | { readonly files: readonly ListedFile[]; readonly wrong: null }
  | { readonly files: null; readonly wrong: string };

/**
 * Looks for the files of a project that a pattern names. A path that exists is taken as it stands, a folder with all that is in it.
 * @param pattern relative to `from`, which is relative to the project's folder
 */
export function matchPattern(folder: string, from: string, pattern: string): Matched {
  const path = withinProject(from, pattern);
  if (path === null) return { files: null, wrong: 'leads out of the project' };
  tellPattern(path);
  const asItStands = typeOf(join(folder, path));
  const base = asItStands === null ? picomatch.scan(path).base : path;
  const type = asItStands ?? typeOf(join(folder, base));
  if (type === null || base.split('/').some(neverTravels)) return nothing;
  const target = realpathSync(join(folder, base));
  if (!isWithin(folder, target)) return { files: null, wrong: `leads out of the project, to ${target}` };
  // By a link.
  if (relativePath(folder, target).split('/').some(neverTravels)) return nothing;
  if (type === 'file') {
    const file = asItStands === null ? null : listFile(folder, path);
    return file === null ? nothing : { files: [file], wrong: null };
  }
  const isMatch = asItStands === 'folder' ? () => true : picomatch(path, { dot: true });
  const out: string[] = [];
  const isLeftOut = (_place: string, name: string): boolean => neverTravels(name);
  const listed = listFiles(folder, isLeftOut, {
    from: base === '.' ? '' : base,
    isTargetLeftOut: isLeftOut,
    onLinkOut(link, to) {
      if (isMatch(link)) out.push(`leads out of the project: ${link} is a link to ${to}`);
    },
  });
  const files = listed.filter((file) => isMatch(file.path));
  if (out[0] !== undefined) return { files: null, wrong: out[0] };
  return files.length === 0 ? nothing : { files, wrong: null };
}

const nothing: Matched = { files: null, wrong: 'matches no file' };

/** Whether a pattern that begins with `!` takes a path out again. Null when it leads out of the project. */
export function exceptionOf(from: string, pattern: string): ((path: string) => boolean) | null {
  const path = withinProject(from, pattern);
  // A folder stands for all that is in it.
  return path === null ? null : picomatch([path, `${path}/**`], { dot: true });
}

/** Relative to the project's folder; null when it leads out of it. */
function withinProject(from: string, pattern: string): string | null {
  if (isAbsolute(pattern)) return null;
  const path = posix.join(from, pattern).replace(/(?<=.)\/$/, '');
  return path === '..' || path.startsWith('../') ? null : path;
}

function typeOf(path: string): 'file' | 'folder' | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? 'folder' : found?.isFile() === true ? 'file' : null;
}
