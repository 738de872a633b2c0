import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { FolderToKeep, KeptFile, PackageTree } from '../../src/engine/core/kept-folder.ts';
import { folderHasher } from '../../src/contents/hash-folder.ts';

/** Writes files into a folder, by their paths. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** The files of a folder as it stands: all, or those that lie `under` another. */
export function keptFolder(source: string, name: string, under = ''): FolderToKeep {
  const found = readdirSync(join(source, under), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = found.map((entry) => relative(source, join(entry.parentPath, entry.name))).sort();
  const hasher = folderHasher();
  const files = paths.map((path): KeptFile => {
    const stat = statSync(join(source, path));
    const file = { path, bytes: stat.size, isExecutable: (stat.mode & 0o100) !== 0 };
    hasher.beginFile(file);
    hasher.update(readFileSync(join(source, path)));
    return file;
  });
  return { hash: hasher.digest(), files, name, source };
}

/** A tree of folders by their places. */
export function packageTree(
  folders: Readonly<Record<string, FolderToKeep>>,
  links: Readonly<Record<string, string>> = {},
): PackageTree {
  const tree = {
    folders: Object.entries(folders).map(([path, { hash }]) => ({ path, hash })),
    links: Object.entries(links).map(([path, target]) => ({ path, target })),
  };
  return { hash: createHash('sha256').update(JSON.stringify(tree)).digest('hex'), ...tree };
}
