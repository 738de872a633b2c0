import { createReadStream, lstatSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { KeptFile, KeptFolder } from '../../core/kept-folder.ts';
import { severalAtOnce } from '../../operations/several-at-once.ts';
import { folderHasher } from '../../../contents/hash-folder.ts';
import { type Layout, type Part, stamper } from './layout-stamps.ts';

const lookedAtOnce = 250;
const readAtOnce = 4;
/** A larger file is read in pieces. */
const pieceBytes = 1_048_576;

/** How a folder stands to its layout. */
export interface Looked {
  readonly lacking: Layout;
  /** Of the files that are there. */
  readonly stamp: string;
}

/** Looks at each file and link: what is missing, of another size or mode, or leads elsewhere is lacking. */
export async function lookAtLayout(folder: string, { parts, links }: Layout): Promise<Looked> {
  const stamping = stamper();
  const lacking: Part[] = [];
  let count = 0;
  for (const part of parts) {
    const files: KeptFile[] = [];
    for (const file of part.files) {
      count += 1;
      if (count % lookedAtOnce === 0) await setImmediate();
      const stat = statOf(join(folder, part.place, file.path));
      if (stat?.isFile() === true && stat.size === file.bytes && ((stat.mode & 0o100) !== 0) === file.isExecutable)
        stamping.add(file, stat);
      else files.push(file);
    }
    if (files.length > 0) lacking.push(files.length === part.files.length ? part : { ...part, files });
  }
  return {
    lacking: { parts: lacking, links: links.filter(({ path, target }) => targetOf(join(folder, path)) !== target) },
    stamp: stamping.stamp(),
  };
}

/** Reads all files. @returns the parts whose content is not what its hash says, or that do not have all of it */
export async function readAltered(folder: string, parts: readonly Part[]): Promise<readonly Part[]> {
  const altered: Part[] = [];
  await severalAtOnce(parts, readAtOnce, async (part) => {
    const isWhole = part.files.length === part.content.files.length;
    if (!isWhole || (await hashOf(join(folder, part.place), part.content)) !== part.content.hash) altered.push(part);
  });
  return altered;
}

/** Of the files of a kept folder as they stand elsewhere; null when one cannot be read. */
export async function hashOf(folder: string, { files }: Pick<KeptFolder, 'files'>): Promise<string | null> {
  const hasher = folderHasher();
  try {
    for (const file of files) {
      const path = join(folder, file.path);
      hasher.beginFile(file);
      if (file.bytes <= pieceBytes) hasher.update(await readFile(path));
      else
        for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) hasher.update(piece as Buffer);
    }
  } catch {
    return null;
  }
  return hasher.digest();
}

export function statOf(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file stands where a folder should, or it cannot be reached
  }
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
