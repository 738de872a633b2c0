import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeptFile } from '../../core/kept-folder.ts';
import { ContentDamaged, readContent } from '../../operations/read-content.ts';
import type { StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import { DeploymentDamaged } from '../deployment-damaged.ts';

/**
 * Writes files of a content from the database; of the whole no more than a few MB is in memory.
 * @throws DeploymentDamaged when the content there is not what its hash says
 */
export async function unpackContent(
  db: Queryable,
  content: StoredContent,
  to: string,
  wanted: readonly KeptFile[],
): Promise<void> {
  const writeFile = openWriting(to, new Set(wanted.map(({ path }) => path)));
  try {
    await readContent(db, content, (file, pieces) =>
      writeFile(file, async (target) => {
        for await (const piece of pieces()) await target?.writeFile(piece);
      }),
    );
  } catch (error) {
    if (!(error instanceof ContentDamaged)) throw error;
    throw new DeploymentDamaged(`The files of ${content.name} (${content.hash}) in the database are ${error.message}.`);
  }
}

/** Writes files one after another. */
function openWriting(to: string, wanted: ReadonlySet<string>) {
  const folders = new Set<string>();
  const begin = async ({ path, isExecutable }: KeptFile): Promise<FileHandle> => {
    const file = join(to, path);
    if (!folders.has(dirname(file))) await mkdir(dirname(file), { recursive: true });
    folders.add(dirname(file));
    return open(file, 'wx', isExecutable ? 0o755 : 0o644);
  };
  /** @param write is given null for a file that is not wanted */
  return async (file: KeptFile, write: (target: FileHandle | null) => Promise<void>): Promise<void> => {
    const target = wanted.has(file.path) ? await begin(file) : null;
    try {
      await write(target);
    } finally {
      await target?.close();
    }
  };
}
