import { renameSync, rmSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readDeployedFolders, readKnownContents, readKnownTrees } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import { readKnownBundles } from '../../store/prune-deployments.ts';
import { isRecentUse, readNames, usedAt, usedMark } from '../used-marks.ts';
import { deploymentHash, type MachineFolders } from './deployment-folders.ts';
import { stampFile } from './layout-stamps.ts';

/**
 * Removes what deployments were laid out as on this machine and the database does not have (any more), when nobody has used it for a while: a runner on another database may share the folders.
 * What writers have left behind goes as well, and bundles of old code in folders that stay.
 * @returns how many of all these
 */
export async function sweepFolders(db: Queryable, folders: MachineFolders): Promise<number> {
  const deployed = new Set((await readDeployedFolders(db)).map(deploymentHash));
  const known: readonly [string, (hashes: readonly string[]) => Promise<ReadonlySet<string>>][] = [
    [folders.deployments, () => Promise.resolve(deployed)],
    [folders.packages, (hashes) => readKnownTrees(db, hashes)],
    [folders.contents, (hashes) => readKnownContents(db, hashes)],
  ];
  let removed = 0;
  for (const [folder, readKnown] of known) removed += await sweepFolder(folder, readKnown);
  return removed + (await sweepPlacedBundles(db, folders));
}

async function sweepFolder(
  folder: string,
  readKnown: (hashes: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<number> {
  const names = await readNames(folder, /^[0-9a-f]{64}/);
  const unused = names.filter((name) => !/\.(?:used|seen)$/.test(name) && !isInUse(folder, name));
  const known = await readKnown(unused.map((name) => name.slice(0, 64)));
  let removed = 0;
  for (const name of unused) {
    if (!name.endsWith('.tmp') && known.has(name)) continue;
    // Looked at again in the same turn of the loop in which it goes: a run of this runner that starts has marked it before.
    if (isInUse(folder, name)) continue;
    await removeFolder(folder, name);
    removed += 1;
  }
  return removed;
}

function isInUse(folder: string, name: string): boolean {
  // What a writer left behind stands for itself.
  return isRecentUse(changedAt(join(folder, name))) || (!name.endsWith('.tmp') && isRecentUse(usedAt(folder, name)));
}

/** Under another name at once, so that nobody finds half of it. */
async function removeFolder(folder: string, name: string): Promise<void> {
  const going = name.endsWith('.tmp') ? name : `${name}.removed.tmp`;
  if (going !== name) {
    renameSync(join(folder, name), join(folder, going));
    for (const beside of [usedMark(folder, name), stampFile(join(folder, name))]) rmSync(beside, { force: true });
  }
  await rm(join(folder, going), { recursive: true, force: true });
}

/** The bundles of tasks stand among the files of deployments that stay, and what their writers left behind. */
async function sweepPlacedBundles(db: Queryable, { deployments, bundles }: MachineFolders): Promise<number> {
  const placed = new Map<string, string[]>();
  const left: string[] = [];
  for (const name of await readNames(deployments, /^[0-9a-f]{64}/)) {
    if (name.length > 64) continue;
    for (const entry of await readdir(join(deployments, name), { recursive: true, withFileTypes: true })) {
      const [, hash, isLeft] = /^([0-9a-f]{64})\.[cm]js(\..+\.tmp)?$/.exec(entry.name) ?? [];
      if (hash === undefined || !entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      if (isLeft === undefined) placed.set(hash, [...(placed.get(hash) ?? []), path]);
      else if (!isRecentUse(changedAt(path))) left.push(path);
    }
  }
  const known = await readKnownBundles(db, [...placed.keys()]);
  const unused = [...placed].filter(
    ([hash, paths]) => !known.has(hash) && ![usedAt(bundles, hash), ...paths.map(changedAt)].some(isRecentUse),
  );
  for (const path of [...left, ...unused.flatMap(([, paths]) => paths)]) rmSync(path, { force: true });
  return left.length + unused.length;
}

/** Milliseconds since 1970; 0 where there is nothing. */
function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
