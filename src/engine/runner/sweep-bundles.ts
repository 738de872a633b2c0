import { rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from '../store/open-store.ts';
import { readKnownBundles } from '../store/prune-deployments.ts';
import { isRecentUse, readNames, usedAt } from './used-marks.ts';

/**
 * Removes the files of bundles that the database does not have (any more) and that nobody has used for a while: a runner on another database may share the folder. What attempts under way
 * were begun with, the database has. What writers have left behind goes as well.
 * @returns how many bundles, and files left behind
 */
export async function sweepBundles(db: Queryable, folder: string): Promise<number> {
  const unused = await readUnused(folder);
  const known = await readKnownBundles(db, [...unused.keys()]);
  let removed = 0;
  for (const [hash, names] of unused) {
    // Looked at again in the same turn of the loop in which its files go: a run of this runner that starts has marked it before.
    if (known.has(hash) || isRecentUse(usedAt(folder, hash))) continue;
    for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
    removed += 1;
    await new Promise(setImmediate);
  }
  return removed;
}

/** The names of the files of each bundle of which none was used or written lately; what its writer left behind stands for itself. */
async function readUnused(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = Map.groupBy(await readNames(folder, /^[0-9a-f]{64}\./), (name) =>
    name.endsWith('.tmp') ? name : name.slice(0, 64),
  );
  const unused = new Map<string, readonly string[]>();
  for (const [hash, files] of names) {
    const times = await Promise.all(
      files.map((name) =>
        stat(join(folder, name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    if (!times.some(isRecentUse)) unused.set(hash, files);
  }
  return unused;
}
