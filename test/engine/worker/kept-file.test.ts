import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keep } from '../../../src/engine/worker/kept-file.ts';

let folder = '';
before(() => (folder = mkdtempSync(join(tmpdir(), 'cloudcode-kept '))));
after(() => rmSync(folder, { recursive: true, force: true }));

test('what cannot be kept leaves no descriptor open and nothing behind', { skip: process.platform !== 'linux' }, () => {
  const openOnes = (): number => readdirSync('/proc/self/fd').length;
  const path = join(folder, 'kept');
  const before = openOnes();
  keep(path, () => {
    throw new Error('it cannot be made');
  });
  // A file cannot take the place of a folder with something in it.
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken/file'), '');
  keep(join(folder, 'taken'), () => [Buffer.from('text')]);
  assert.equal(openOnes(), before);
  assert.deepEqual([existsSync(`${path}.tmp`), existsSync(join(folder, 'taken.tmp'))], [false, false]);
});
