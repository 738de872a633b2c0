import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import type { MarkUsed } from '../used-marks.ts';
import { copyFrom } from './copy-files.ts';
import { layOut } from './lay-out.ts';
import type { Part } from './layout-stamps.ts';
import { hashOf } from './look-at-layout.ts';
import { unpackContent } from './unpack-content.ts';

/**
 * Gives the folder with the files of a content, once on each machine: what is missing there is copied from this folder of the machine, if one is named and has the content, else written from the database.
 */
export type ContentCache = (content: StoredContent, source?: string) => Promise<string>;

/** @param folder of all contents */
export function openContentCache(db: Queryable, folder: string, markUsed: MarkUsed): ContentCache {
  const underWay = new Map<string, Promise<string>>();
  const write = async (content: StoredContent, source: string | undefined): Promise<string> => {
    const of = join(folder, content.hash);
    await layOut(of, { parts: [{ place: '', content, files: content.files }], links: [] }, async (to, parts) => {
      for (const part of parts)
        if (source === undefined || !(await copied(source, to, part))) await unpackContent(db, content, to, part.files);
    });
    markUsed(folder, content.hash);
    return of;
  };
  return (content, source) => {
    // Once for all who wait for it. Whoever needs it later looks again: it is asked for only when something is made of it.
    const pending = underWay.get(content.hash) ?? write(content, source).finally(() => underWay.delete(content.hash));
    underWay.set(content.hash, pending);
    return pending;
  };
}

/** @returns false, with nothing copied, when the files there are not (any more) those of the content */
async function copied(source: string, to: string, { content, files }: Part): Promise<boolean> {
  if (files.length < content.files.length) return false;
  const isSame = await copyFrom({ from: source, to, files }).then(
    async () => (await hashOf(to, content)) === content.hash,
    () => false,
  );
  if (isSame) return true;
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
  return false;
}
