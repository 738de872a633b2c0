import { readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import picomatch from 'picomatch';
import { neverTravels } from '../files/never-travels.ts';
import { relativePath } from '../relative-path.ts';
import { isOfPackage, type WatchedPlaces } from './watched-places.ts';
import { codeOf } from '../../engine/core/thrown.ts';

/** How everything stood that a build depends on. */
export interface Look {
  /** By absolute path; what is not there is missing. */
  readonly states: ReadonlyMap<string, string>;
  /** Those to be watched, so that a change is noticed soon. */
  readonly folders: ReadonlySet<string>;
  /** When each file was written or put in its place, in milliseconds since 1970. */
  readonly changedAtMs: ReadonlyMap<string, number>;
}

export const nothingSeen: Look = { states: new Map(), changedAtMs: new Map(), folders: new Set() };

const ignoredNames = new Set(['node_modules', '.cloudcode', '.git']);
const rootFiles =
  /^(cloudcode\.config\.[cm]?[jt]s|schema\.xml|data-model\.m?[jt]s|package\.json|tsconfig[^/]*\.json|\.env(\..+)?)$/;
const sourceFile = /\.[cm]?[jt]sx?$/;
/** How many files are asked for at once, about a millisecond: to ask for each by a thread takes four times as much of the processor. */
const atOnce = 64;

/** Looks at all of `cloudcode/`, at what a project has by name in its folder, and at what else a build has read. */
export async function lookAtProject(folder: string, places: WatchedPlaces): Promise<Look> {
  const states = new Map<string, string>();
  const changedAtMs = new Map<string, number>();
  const tree = await listTree(join(folder, 'cloudcode'));
  const inRoot = namesIn(folder)
    .filter((name) => rootFiles.test(name))
    .map((name) => join(folder, name));
  const matched = await Promise.all([...places.patterns].map((pattern) => matchedBy(folder, pattern)));
  for (const { pattern, files } of matched) states.set(join(folder, pattern), files.join('/'));
  const files = [...new Set([...tree.files, ...inRoot, ...places.files, ...matched.flatMap((one) => one.files)])];
  for (const [number, path] of files.entries()) {
    if (number % atOnce === 0) await setImmediate();
    const found = statOf(path);
    if (found === null || found.isDirectory()) continue;
    states.set(path, `${found.mtimeMs} ${found.ctimeMs} ${found.size} ${found.ino}`);
    changedAtMs.set(path, Math.max(found.mtimeMs, found.ctimeMs));
  }
  const searched = matched.flatMap((one) => [...one.folders]);
  const others = [...places.folders].filter((path) => !tree.folders.has(path));
  for (const path of others)
    states.set(
      `${path}${sep}*`,
      namesIn(path)
        .filter((name) => sourceFile.test(name) && !name.endsWith('.d.ts'))
        .sort()
        .join('/'),
    );
  return {
    states,
    changedAtMs,
    folders: new Set([folder, ...tree.folders, ...searched, ...others.filter((path) => !isOfPackage(path))]),
  };
}

/** The files that differ, relative to the project's folder, in order. */
export function changesBetween(folder: string, before: Look, after: Look): readonly string[] {
  const paths = new Set([...before.states.keys(), ...after.states.keys()]);
  return [...paths]
    .filter((path) => before.states.get(path) !== after.states.get(path))
    .map((path) => relativePath(folder, path))
    .sort();
}

/**
 * The look before a build, for places that are known only after it: what was looked at before counts as it was then, and what is new as it
 * is now, unless it was changed since the build began.
 */
export function rebase(
  folder: string,
  places: WatchedPlaces,
  { before, now, sinceMs }: { readonly before: Look; readonly now: Look; readonly sinceMs: number },
): Look {
  const states = new Map(now.states);
  for (const [path, changedAtMs] of now.changedAtMs) if (changedAtMs >= sinceMs) states.set(path, unseen);
  for (const [path, state] of before.states)
    if (now.states.has(path) || isLookedAt(folder, places, path)) states.set(path, state);
  return { ...now, states };
}

/** Equal to no state. */
const unseen = '';

function isLookedAt(folder: string, { files, folders, patterns }: WatchedPlaces, path: string): boolean {
  if (
    [...patterns].some(
      (pattern) => path === join(folder, pattern) || path.startsWith(join(folder, picomatch.scan(pattern).base) + sep),
    )
  )
    return true;
  if (files.has(path) || (basename(path) === '*' && folders.has(dirname(path)))) return true;
  return (
    path.startsWith(join(folder, 'cloudcode') + sep) || (dirname(path) === folder && rootFiles.test(basename(path)))
  );
}

async function listTree(
  root: string,
): Promise<{ readonly files: readonly string[]; readonly folders: ReadonlySet<string> }> {
  const files: string[] = [];
  const folders = new Set<string>();
  const seen = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    if (folders.size % atOnce === 0) await setImmediate();
    const found = unlessGone(() => statSync(folder, { bigint: true }));
    const identity = found === null ? '' : `${found.dev}:${found.ino}`;
    // A symbolic link may lead back.
    if (found === null || seen.has(identity)) return;
    seen.add(identity);
    folders.add(folder);
    for (const entry of unlessGone(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
      if (ignoredNames.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() || (entry.isSymbolicLink() && statOf(path)?.isDirectory() === true)) await visit(path);
      else files.push(path);
    }
  };
  await visit(root);
  return { files, folders };
}

interface Matched {
  readonly pattern: string;
  /** Absolute, in order. */
  readonly files: readonly string[];
  /** Those in which one may come. */
  readonly folders: ReadonlySet<string>;
}

/** As a build takes it: a path that exists as it stands, a folder with all that is in it. */
async function matchedBy(folder: string, pattern: string): Promise<Matched> {
  const found = statOf(join(folder, pattern));
  if (found?.isFile() === true)
    return { pattern, files: [join(folder, pattern)], folders: new Set([dirname(join(folder, pattern))]) };
  const isWhole = found?.isDirectory() === true;
  const tree = await listTree(join(folder, isWhole ? pattern : picomatch.scan(pattern).base));
  const isMatch = isWhole ? () => true : picomatch(pattern, { dot: true });
  const files = tree.files.filter((path) => isMatch(relativePath(folder, path)) && !neverTravels(basename(path)));
  return { pattern, files: files.sort(), folders: tree.folders };
}

function namesIn(folder: string): readonly string[] {
  return unlessGone(() => readdirSync(folder)) ?? [];
}

function statOf(path: string): Stats | null {
  return unlessGone(() => statSync(path, { throwIfNoEntry: false }) ?? null);
}

/** What may not be read is not there for a build either. Any other error, as when no file descriptor is left, says nothing. */
function unlessGone<Found>(look: () => Found): Found | null {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return null;
    throw error;
  }
}
