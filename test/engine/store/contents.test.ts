import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type DeployableProject, type Deployed, deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { pruneOldDeployments } from '../../../src/engine/operations/prune-deployments.ts';
import { beginUpload, insertContentPart } from '../../../src/engine/store/contents.ts';
import { lockEnvironment } from '../../../src/engine/store/environments.ts';
import { openSession } from '../../../src/engine/store/open-session.ts';
import { deleteUnusedContents, lockBundles } from '../../../src/engine/store/prune-deployments.ts';
import { keptFolder, packageTree, writeFiles } from '../../support/kept-folders.ts';
import { until } from '../../support/runtime.ts';
import { noopTask, testStore, type TestStore } from '../../support/store.ts';

const never = new AbortController().signal;

let t: TestStore;
let folder: string;
beforeEach(async () => {
  t = await testStore();
  folder = mkdtempSync(join(tmpdir(), 'cloudcode-test contents-'));
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** A package of each of these versions, and one file. */
function project(versions: Readonly<Record<string, string>>, file = 'file'): DeployableProject {
  for (const [name, version] of Object.entries(versions))
    writeFiles(folder, {
      [`node_modules/${name}/index.js`]: `exports.version = '${name} ${version}'`,
      [`node_modules/${name}/README`]: '',
    });
  writeFiles(folder, { 'cloudcode/noop/data.txt': file });
  const folders = Object.fromEntries(
    Object.entries(versions).map(([name, version]) => [
      `node_modules/${name}`,
      keptFolder(join(folder, 'node_modules', name), `${name}@${version}`),
    ]),
  );
  const packages = { tree: packageTree(folders), folders: Object.values(folders), projectPath: '' };
  return {
    folder,
    tasks: [{ ...noopTask, file: 'cloudcode/noop/index.ts' }],
    config: {},
    packages,
    files: keptFolder(folder, 'files', 'cloudcode'),
  };
}

const deploy = (deployable: DeployableProject, environment = 'testing'): Promise<Deployed> =>
  deployProject(t.store, environment, deployable);

async function namesOf(table: 'contents' | 'package_trees' | 'uploads'): Promise<readonly string[]> {
  const columns = { contents: 'name', package_trees: 'hash', uploads: "'upload'" };
  return (
    await t.store.query<{ name: string }>({
      name: '',
      text: `select ${columns[table]} as name from cloudcode.${table} order by 1`,
    })
  ).map(({ name }) => name);
}

/** As if all that has ever been stored had been stored long ago. */
async function growOld(): Promise<void> {
  await t.store.query({ name: '', text: "update cloudcode.contents set needed_at = now() - interval '2 hours'" });
  await t.store.query({ name: '', text: "update cloudcode.uploads set touched_at = now() - interval '2 hours'" });
}

test('a deployment says what it carries and what of it was new, and stores each content once', async () => {
  const first = await deploy(project({ a: '1', b: '1' }));
  assert.deepEqual(
    [first.packages.count, first.packages.added.map(({ name }) => name), first.files.count, first.files.added.length],
    [2, ['a@1', 'b@1'], 1, 1],
  );
  const second = await deploy(project({ a: '1', b: '2' }));
  assert.deepEqual(
    [second.changed, second.packages.added.map(({ name }) => name), second.files.added],
    [true, ['b@2'], []],
  );
  const third = await deploy(project({ a: '1', b: '2' }, 'another'));
  assert.deepEqual([third.changed, third.packages.added, third.files.added.map(({ bytes }) => bytes)], [true, [], [7]]);
  const fourth = await deploy(project({ a: '1', b: '2' }, 'another'));
  assert.deepEqual([fourth.changed, fourth.packages.added, fourth.files.added], [false, [], []]);
  assert.deepEqual(await namesOf('contents'), ['a@1', 'b@1', 'b@2', 'files', 'files']);
  assert.equal((await namesOf('package_trees')).length, 2);
});

test('a content is stored in pieces of a few MB, whatever its size', async () => {
  const large = project({ large: '1' });
  writeFiles(folder, {
    'node_modules/large/a.bin': randomBytes(9_000_000),
    'node_modules/large/b/empty': '',
    'node_modules/large/c.bin': randomBytes(100),
  });
  const kept = keptFolder(join(folder, 'node_modules/large'), 'large@1');
  await deploy({
    ...large,
    packages: { tree: packageTree({ 'node_modules/large': kept }), folders: [kept], projectPath: '' },
  });
  const [row] = await t.store.query<{ parts: number; largest: number; bytes: number }>({
    name: '',
    text: "select count(*)::integer as parts, max(length(data)) as largest, sum(length(data))::integer as bytes from cloudcode.content_parts where upload_id = (select upload_id from cloudcode.contents where name = 'large@1')",
  });
  assert.ok(
    row !== undefined && row.parts >= 4 && row.largest < 3_000_000 && row.bytes > 8_999_999,
    JSON.stringify(row),
  );
});

test("many that deploy the same at once, to several environments, are not in each other's way", async () => {
  const same = project({ a: '1', b: '1', c: '1', d: '1' });
  const environments = ['testing', 'testing', 'staging', 'production', 'testing', 'staging'];
  const deployed = await Promise.all(environments.map((environment) => deploy(same, environment)));
  assert.equal(deployed.filter(({ changed }) => changed).length, 3);
  assert.deepEqual(await namesOf('contents'), ['a@1', 'b@1', 'c@1', 'd@1', 'files']);
  assert.equal((await namesOf('uploads')).length, 5, 'those who were slower have taken theirs back');
});

for (const [what, change] of [
  ['that became another', { 'node_modules/a/index.js': "exports.version = '2'" }],
  ['that became longer', { 'cloudcode/noop/data.txt': 'file and more' }],
] as const) {
  test(`a file ${what} since it was looked at is told, and nothing is deployed`, async () => {
    const before = project({ a: '1' });
    writeFiles(folder, change);
    await assert.rejects(deploy(before, 'staging'), {
      code: 'files_changed',
      message: /^The files of (a@1|files) in .* changed while they were being deployed\. Nothing was deployed\.$/,
    });
    assert.deepEqual(
      await t.store.query({
        name: '',
        text: "select from cloudcode.environments where name = 'staging' and deployment_id is not null",
      }),
      [],
    );
    assert.equal((await namesOf('uploads')).length, (await namesOf('contents')).length);
  });
}

test('a package that is gone since it was looked at is told', async () => {
  const before = project({ a: '1' });
  rmSync(join(folder, 'node_modules'), { recursive: true });
  await assert.rejects(deploy(before), { code: 'files_changed' });
});

test('what the database has is not read again: it can be deployed after it is gone from the folder', async () => {
  const before = project({ a: '1' });
  await deploy(before);
  rmSync(join(folder, 'node_modules'), { recursive: true });
  assert.equal((await deploy(before, 'staging')).changed, true);
});

test('what no deployment has goes with its bytes: not at once, and not what others have', async () => {
  await deploy(project({ a: '1', b: '1' }));
  for (let version = 2; version <= 12; version += 1) await deploy(project({ a: '1', b: String(version) }));
  await pruneOldDeployments(t.store, never);
  assert.equal((await namesOf('package_trees')).length, 10);
  assert.ok((await namesOf('contents')).includes('b@1'), 'a deployment under way may have found it there');
  await growOld();
  await pruneOldDeployments(t.store, never);
  const left = await namesOf('contents');
  assert.deepEqual(left, ['a@1', ...Array.from({ length: 10 }, (_, index) => `b@${index + 3}`).sort(), 'files']);
  assert.equal((await namesOf('uploads')).length, left.length);
});

test('bytes that were left behind are deleted, and nobody goes on with them', async () => {
  const uploadId = await beginUpload(t.store);
  await insertContentPart(t.store, { uploadId, number: 0, data: Buffer.from('half') });
  await pruneOldDeployments(t.store, never);
  await insertContentPart(t.store, { uploadId, number: 1, data: Buffer.from('more') });
  await growOld();
  await pruneOldDeployments(t.store, never);
  assert.deepEqual(await namesOf('uploads'), []);
  await assert.rejects(insertContentPart(t.store, { uploadId, number: 2, data: Buffer.from('late') }), /was deleted/);
});

test('a deployment whose contents were deleted after it found them stores them again', async () => {
  const again = project({ a: '1' });
  await deploy(again);
  await t.store.query({ name: '', text: 'update cloudcode.deployments set tree_hash = null, files_hash = null' });
  await t.store.query({ name: '', text: 'delete from cloudcode.package_trees' });
  await using session = await openSession(t.store.url);
  await session.query({ name: '', text: 'begin' });
  await lockEnvironment(session, 'staging');
  const deploying = deploy(again, 'staging');
  await until(10_000, 'it waits for the environment', async () =>
    (
      await t.store.query({
        name: '',
        text: "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%cloudcode.environments%'",
      })
    ).length > 0
      ? true
      : null,
  );
  await t.store.query({ name: '', text: 'delete from cloudcode.contents' });
  await session.query({ name: '', text: 'commit' });
  const deployed = await deploying;
  assert.deepEqual(
    [deployed.changed, deployed.packages.added.map(({ name }) => name), deployed.files.added.length],
    [true, ['a@1'], 1],
  );
  assert.deepEqual(await namesOf('contents'), ['a@1', 'files']);
});

test('a deployment waits while contents are being deleted', async () => {
  const again = project({ a: '1' });
  await using session = await openSession(t.store.url);
  await session.query({ name: '', text: 'begin' });
  await lockBundles(session);
  assert.equal(await deleteUnusedContents(session, 10), 0);
  const deploying = deploy(again);
  await until(10_000, 'it waits', async () =>
    (
      await t.store.query({
        name: '',
        text: "select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database()) and relation = 'cloudcode.contents'::regclass",
      })
    ).length > 0
      ? true
      : null,
  );
  await session.query({ name: '', text: 'commit' });
  assert.equal((await deploying).changed, true);
});

test('the database refuses a deployment without its contents, and to delete what a deployment has', async () => {
  await deploy(project({ a: '1' }));
  for (const text of [
    "insert into cloudcode.deployments (environment_id, digest, settings, folder, files_hash, project_path) select environment_id, '', '{}', '', 'none', '' from cloudcode.deployments limit 1",
    "update cloudcode.deployments set tree_hash = 'none' where tree_hash is not null",
    'delete from cloudcode.contents',
    'delete from cloudcode.package_trees',
    'delete from cloudcode.uploads',
  ])
    await assert.rejects(t.store.query({ name: '', text }), /violates foreign key constraint/, text);
});
