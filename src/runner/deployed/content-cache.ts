import { join } from 'node:path';
import type { StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import type { MarkUsed } from '../used-marks.ts';
import { layOut } from './lay-out.ts';
import { unpackContent } from './unpack-content.ts';

/** Gives the folder with the files of a content, once on each machine: what is missing there is written from the database. */
export type ContentCache = (content: StoredContent) => Promise<string>;

/** @param folder of all contents */
export function openContentCache(db: Queryable, folder: string, markUsed: MarkUsed): ContentCache {
  const underWay = new Map<string, Promise<string>>();
  const write = async (content: StoredContent): Promise<string> => {
    const of = join(folder, content.hash);
    await layOut(of, { files: content.files, links: [] }, (to, files) => unpackContent(db, content, to, files));
    markUsed(folder, content.hash);
    return of;
  };
  return (content) => {
    // Once for all who wait for it. Whoever needs it later looks again: it is asked for only when something is made of it.
    const pending = underWay.get(content.hash) ?? write(content).finally(() => underWay.delete(content.hash));
    underWay.set(content.hash, pending);
    return pending;
  };
}
