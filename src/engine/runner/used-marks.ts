import { closeSync, openSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import { codeOf } from '../core/thrown.ts';

/** What nobody has used for so long may be removed where the database does not have it. */
const unusedMs = 600_000;
/** So seldom does a runner mark again what it uses: at the latest, for what an attempt under way uses, after twice as long. */
export const markEveryMs = unusedMs / 4;

/** The file whose time of change tells when something was last used. */
export function usedMark(folder: string, hash: string): string {
  return join(folder, `${hash}.used`);
}

/** Milliseconds since 1970; 0 where it was never used. */
export function usedAt(folder: string, hash: string): number {
  return statSync(usedMark(folder, hash), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @param at milliseconds since 1970 */
export function isRecentUse(at: number): boolean {
  return Date.now() - at < unusedMs;
}

/** Marks what is used, so that nobody removes it. */
export type MarkUsed = (folder: string, hash: string) => void;

export function openUsedMarks(): MarkUsed {
  const marked = new Map<string, number>();
  return (folder, hash) => {
    const mark = usedMark(folder, hash);
    if (Date.now() - (marked.get(mark) ?? -Infinity) < markEveryMs) return;
    if (touch(mark)) marked.set(mark, Date.now());
  };
}

/** @returns false where the folder is not there, or cannot be written to: what is written into it is new, and what is removed from it is written again */
function touch(path: string): boolean {
  try {
    closeSync(openSync(path, 'a'));
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}

/** The names of a pattern in a folder that need not be there. */
export async function readNames(folder: string, pattern: RegExp): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => pattern.test(name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
