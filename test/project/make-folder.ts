import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** A new folder with these files, by path, gone after the test. Its name has a space, as a user's may. */
export async function makeFolder(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'cloudcode project ')));
  t.after(() => rm(made, { recursive: true, force: true }));
  await writeFiles(made, files);
  return made;
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
