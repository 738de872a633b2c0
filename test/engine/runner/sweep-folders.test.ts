import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { bundleHash } from '../../../src/contents/bundle-hash.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { openBundleCache } from '../../../src/engine/runner/bundle-cache.ts';
import { openExtensionStates } from '../../../src/engine/runner/extension-states.ts';
import {
  deploymentHash,
  machineFolders,
  openDeploymentFolders,
} from '../../../src/engine/runner/deployed/deployment-folders.ts';
import { sweepFolders } from '../../../src/engine/runner/deployed/sweep-folders.ts';
import { startMarking } from '../../../src/engine/runner/start-marking.ts';
import { sweepBundles } from '../../../src/engine/runner/sweep-bundles.ts';
import { readAgain, readTaskCode } from '../../../src/engine/runner/task-code.ts';
import { keptFolder, packageTree, writeFiles } from '../../support/kept-folders.ts';
import { until } from '../../support/runtime.ts';
import { noopTask, testStore } from '../../support/store.ts';

test('what the database does not have goes from a machine when it was not used for a while, and what it has stays', async () => {
  await using t = await testStore();
  const scratch = mkdtempSync(join(tmpdir(), 'cloudcode-test sweep-'));
  try {
    const project = join(scratch, 'project');
    writeFiles(project, { 'node_modules/a/index.js': '', 'cloudcode/noop/data.txt': 'data' });
    const [a, files] = [keptFolder(join(project, 'node_modules/a'), 'a@1'), keptFolder(project, 'files', 'cloudcode')];
    const tree = packageTree({ 'node_modules/a': a });
    const task = { ...noopTask, file: 'cloudcode/noop/index.ts' };
    await deployProject(t.store, 'testing', {
      folder: project,
      tasks: [task],
      config: {},
      packages: { tree, folders: [a], projectPath: '' },
      files,
    });
    const folders = machineFolders(join(scratch, 'machine'));
    const deployed = { treeHash: tree.hash, filesHash: files.hash, projectPath: '' };
    const placed = await openDeploymentFolders(t.store, folders)(deployed);
    const place = join(placed.project, 'cloudcode/noop');
    await openBundleCache(t.store, folders.bundles).files(bundleHash(task), 'cjs', place);
    const old = 'a'.repeat(64);
    for (const folder of [folders.contents, folders.packages, folders.deployments]) {
      mkdirSync(join(folder, old, 'inside'), { recursive: true });
      mkdirSync(join(folder, `${old}.left.tmp`));
      mkdirSync(join(folder, 'of somebody'));
    }
    writeFileSync(join(place, `${old}.cjs`), '');
    assert.equal(await sweepFolders(t.store, folders), 0, 'another database may have what was used lately');
    for (const entry of readdirSync(scratch, { recursive: true, withFileTypes: true }))
      if (!entry.isSymbolicLink()) utimesSync(join(entry.parentPath, entry.name), 0, 0);
    writeFileSync(join(folders.packages, `${old}.used`), '');
    assert.equal(await sweepFolders(t.store, folders), 6, 'two folders, three left behind, and a bundle');
    rmSync(join(folders.packages, `${old}.used`));
    assert.equal(await sweepFolders(t.store, folders), 1);
    const left = (folder: string): readonly string[] =>
      readdirSync(folder)
        .filter((name) => !/\.(?:used|seen)$/.test(name))
        .sort();
    assert.deepEqual(
      [left(folders.contents), left(folders.packages), left(folders.deployments)],
      [
        [a.hash, files.hash, 'of somebody'].sort(),
        [tree.hash, 'of somebody'].sort(),
        [deploymentHash(deployed), 'of somebody'].sort(),
      ],
    );
    assert.deepEqual(readdirSync(place).sort(), [`${bundleHash(task)}.cjs`, 'data.txt'].sort());
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('what an attempt under way uses stays, however long it runs, where a runner on another database shares the folder', async () => {
  await using t = await testStore();
  await using other = await testStore();
  const scratch = mkdtempSync(join(tmpdir(), 'cloudcode-test sweep-'));
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  try {
    const project = join(scratch, 'project');
    writeFiles(project, { 'node_modules/a/index.js': 'late', 'cloudcode/noop/data.txt': 'data' });
    const a = keptFolder(join(project, 'node_modules/a'), 'a@1');
    const packages = { tree: packageTree({ 'node_modules/a': a }), folders: [a], projectPath: '' };
    await deployProject(t.store, 'testing', {
      folder: project,
      tasks: [{ ...noopTask, file: 'cloudcode/noop/index.ts' }],
      config: {},
      packages,
      files: keptFolder(project, 'files', 'cloudcode'),
    });
    await scheduleRun(t.store, 'testing', { task: 'noop' });
    const runs = await t.claim();
    const folders = machineFolders(join(scratch, 'machine'));
    const sources = {
      bundles: openBundleCache(t.store, folders.bundles),
      states: openExtensionStates(t.store),
      deployments: openDeploymentFolders(t.store, folders),
    };
    const [code] = await Promise.all(runs.map((run) => readTaskCode(run, sources)));
    let turns = 0;
    await using marking = startMarking(
      { markUsed: () => readAgain(runs, sources).finally(() => (turns += 1)) },
      (event) => assert.fail(JSON.stringify(event)),
    );
    await until(20_000, 'the first turn', () => (turns === 1 ? true : null));
    for (let minutes = 0; minutes < 30; minutes += 5) {
      mock.timers.tick(5 * 60_000);
      marking.wake();
      await until(20_000, 'they are marked', () => (turns > minutes / 5 + 1 ? true : null));
      await sweepFolders(other.store, folders);
      assert.equal(await sweepBundles(other.store, folders.bundles), 0);
      const { files, deployed } = code ?? assert.fail('it was not claimed');
      assert.equal(
        readFileSync(join(deployed?.packages ?? '', 'node_modules/a/index.js'), 'utf8'),
        'late',
        `after ${minutes} minutes`,
      );
      assert.ok(
        [files.path, files.sourceMapPath, join(deployed?.project ?? '', 'cloudcode/noop/data.txt')].every((path) =>
          existsSync(path),
        ),
      );
    }
  } finally {
    mock.timers.reset();
    rmSync(scratch, { recursive: true });
  }
});
