import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { bundleHash } from '../../../src/contents/bundle-hash.ts';
import { openBundleCache } from '../../../src/engine/runner/bundle-cache.ts';
import { sweepBundles } from '../../../src/engine/runner/sweep-bundles.ts';
import { insertBundle } from '../../../src/engine/store/deployments.ts';
import { noopTask, testStore, type TestStore } from '../../support/store.ts';

let t: TestStore;
let folder: string;
beforeEach(async () => {
  t = await testStore();
  folder = mkdtempSync(join(tmpdir(), 'cloudcode-test-bundles-'));
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const current = bundleHash(noopTask);
const old = { ...noopTask, code: 'exports.run = async () => 2' };
const oldHash = bundleHash(old);

/** Its files, as if it had been used that long ago. */
function setUsed(hash: string, minutesAgo: number): void {
  const at = new Date(Date.now() - minutesAgo * 60_000);
  for (const name of names(hash)) utimesSync(join(folder, name), at, at);
}

const names = (hash: string): string[] => readdirSync(folder).filter((name) => name.startsWith(hash));

/** The files of a bundle, which the database has for so long only. */
async function writeOld(): Promise<void> {
  await insertBundle(t.store, { ...old, hash: oldHash });
  await openBundleCache(t.store, folder).files(oldHash, 'cjs');
  mkdirSync(join(folder, `${oldHash}.compiled`));
  writeFileSync(join(folder, `${oldHash}.compiled`, 'v24'), 'code');
  await t.store.query({ name: '', text: `delete from cloudcode.bundles where hash = '${oldHash}'` });
}

test('the files of bundles that the database does not have go, when they were not used for a while; the others stay', async () => {
  await writeOld();
  await openBundleCache(t.store, folder).files(current, 'cjs');
  writeFileSync(join(folder, 'a note'), 'of somebody');
  writeFileSync(join(folder, `${current}.cjs.17.tmp`), 'half');
  setUsed(current, 1000);
  assert.equal(
    await sweepBundles(t.store, folder),
    1,
    'what its writer left behind; another database may have what was used lately',
  );
  setUsed(oldHash, 1000);
  assert.equal(await sweepBundles(t.store, folder), 1);
  assert.deepEqual(names(oldHash), []);
  assert.deepEqual(
    names(current),
    ['cjs', 'map', 'used'].map((suffix) => `${current}.${suffix}`),
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith(current)),
    ['a note'],
  );
});

test('what a run uses is not removed, whoever began it, and is written again where it was', async () => {
  await writeOld();
  setUsed(oldHash, 1000);
  await insertBundle(t.store, { ...old, hash: oldHash });
  const cache = openBundleCache(t.store, folder);
  await cache.files(oldHash, 'cjs');
  await t.store.query({ name: '', text: `delete from cloudcode.bundles where hash = '${oldHash}'` });
  assert.equal(await sweepBundles(t.store, folder), 0, 'it is marked as used');
  setUsed(oldHash, 1000);
  assert.equal(await sweepBundles(t.store, folder), 1);
  await insertBundle(t.store, { ...old, hash: oldHash });
  await cache.files(oldHash, 'cjs');
  assert.ok(names(oldHash).includes(`${oldHash}.cjs`));
});

test('a folder that is not there has nothing to remove', async () => {
  assert.equal(await sweepBundles(t.store, join(folder, 'none')), 0);
});
