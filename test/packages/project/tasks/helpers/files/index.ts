import chokidar from 'chokidar';
import { glob } from 'glob';
import semver from 'semver';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

export async function run({ folder }) {
  const watcher = chokidar.watch(folder, { depth: 0 });
  await once(watcher, 'ready');
  const added = once(watcher, 'add');
  writeFileSync(`${folder}/seen.txt`, '');
  await added;
  await watcher.close();
  return { semver: semver.satisfies('1.2.3', '^1.0.0'), files: await glob('seen*', { cwd: folder }) };
}
