import { countUnlisted, listEndings } from '../store/list-endings.ts';
import type { Queryable } from '../store/open-store.ts';

/** Of more than this a page takes longer than to list them first. */
const maxUnlisted = 1_000;

/** Enters all finished runs where lists look for them. */
export async function listFinishedRuns(db: Queryable, stopping?: AbortSignal): Promise<void> {
  while (stopping?.aborted !== true && (await listEndings(db)).isMore);
}

/** The same for whoever asks for a list, when there are so many that it would be slow: no runner may be there to do it. */
export async function listFinishedRunsIfMany(db: Queryable, environmentId: number): Promise<void> {
  while ((await countUnlisted(db, environmentId)) > maxUnlisted && (await listEndings(db)).isMore);
}
