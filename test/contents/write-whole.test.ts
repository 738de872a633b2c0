import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';
import { removeLeftBeside } from '../../src/contents/write-whole.ts';
import { type KeeperName, keepers } from '../support/keepers.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const run = promisify(execFile);
const keepElsewhere = (
  name: string,
  folder: string,
  { length, letters }: { readonly length: number; readonly letters: string },
) =>
  run(process.execPath, [
    '--no-warnings',
    join(packageRoot, 'test/fixtures/keep.ts'),
    name,
    folder,
    String(length),
    letters,
  ]);
const leftIn = (folder: string): string[] => globSync('**/*.tmp', { cwd: folder });

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test keep-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

for (const name of Object.keys(keepers) as KeeperName[]) {
  // Names of folders are what hashes of packages are kept by; the system refuses long ones only when it looks them up.
  const text = (letter: string, length = 100_000): string => letter.repeat(length);
  describe(`${name}: what is kept is whole, or not there`, { timeout: 120_000 }, () => {
    it('when the disk is full, and when it has room again', async (t) => {
      using disk = mountSmallDisk('1m');
      if (disk === null) return t.skip('a small disk can be mounted by root only');
      const keeper = keepers[name](disk.folder);
      await keeper.write(text('a'));
      assert.equal(await keeper.read(), text('a'));
      disk.fill();
      const writing = keeper.write(text('b'));
      await (keeper.says ? assert.rejects(writing, { code: 'ENOSPC' }) : writing);
      assert.equal(await keeper.read(), text('a'));
      assert.deepEqual(leftIn(disk.folder), []);
      disk.empty();
      await keeper.write(text('b'));
      assert.equal(await keeper.read(), text('b'));
    });

    it('in a folder that can only be read', async (t) => {
      using disk = mountSmallDisk('1m');
      if (disk === null) return t.skip('a small disk can be mounted by root only');
      const keeper = keepers[name](disk.folder);
      await keeper.write(text('a'));
      disk.setReadOnly(true);
      const writing = keeper.write(text('b'));
      await (keeper.says ? assert.rejects(writing, { code: 'EROFS' }) : writing);
      assert.equal(await keeper.read(), text('a'));
      disk.setReadOnly(false);
      assert.deepEqual(leftIn(disk.folder), []);
    });

    it('when two processes keep it at once', async (t) => {
      const folder = scratch(t);
      const keeper = keepers[name](folder);
      let isOver = false;
      const writing = Promise.all(
        ['ababababab', 'cdcdcdcdcd'].map((letters) => keepElsewhere(name, folder, { length: 100_000, letters })),
      ).finally(() => (isOver = true));
      while (!isOver) {
        const found = await keeper.read();
        if (found !== null) assert.equal(found, text(found[0] ?? ''));
        await new Promise(setImmediate);
      }
      await writing;
      assert.ok(/^[bd]+$/.test((await keeper.read()) ?? ''));
      assert.deepEqual(leftIn(folder), []);
    });

    it('when one is killed before it is in its place; what it left does not stay for ever', async (t) => {
      const folder = scratch(t);
      const keeper = keepers[name](folder);
      await assert.rejects(keepElsewhere(name, folder, { length: 100_000, letters: 'ax' }), { signal: 'SIGKILL' });
      assert.equal(await keeper.read(), text('a'));
      const [left = ''] = leftIn(folder);
      utimesSync(join(folder, left), 0, 0);
      await keeper.write(text('b'));
      assert.equal(await keeper.read(), text('b'));
    });
  });
}

describe('what writers that were killed have left beside a file', () => {
  it('is removed, unless it is being written', async (t) => {
    const folder = scratch(t);
    for (const name of ['kept.json', 'kept.json.old.tmp', 'kept.json.new.tmp', 'other.json.old.tmp'])
      writeFileSync(join(folder, name), '');
    for (const name of ['kept.json', 'kept.json.old.tmp', 'other.json.old.tmp']) utimesSync(join(folder, name), 0, 0);
    await removeLeftBeside(join(folder, 'kept.json'));
    assert.deepEqual(globSync('*', { cwd: folder }).sort(), ['kept.json', 'kept.json.new.tmp', 'other.json.old.tmp']);
    await removeLeftBeside(join(folder, 'none/kept.json'));
  });
});
