import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleHash } from '../../src/project/bundle-hash.ts';
import { deployProject } from '../../src/operations/deploy-project.ts';
import { openBundleCache } from '../../src/runner/bundle-cache.ts';
import { deploymentHash, machineFolders, openDeploymentFolders } from '../../src/runner/deployed/deployment-folders.ts';
import { sweepFolders } from '../../src/runner/deployed/sweep-folders.ts';
import { keptFolder, packageTree, writeFiles } from '../support/kept-folders.ts';
import { noopTask, testStore } from '../support/store.ts';

test('what the database does not have goes from a machine when it was not used for a while, and what it has stays', async () => {
  await using t = await testStore();
  const scratch = mkdtempSync(join(tmpdir(), 'cloudcode-test sweep-'));
  try {
    const project = join(scratch, 'project');
    writeFiles(project, { 'node_modules/a/index.js': '', 'cloudcode/noop/data.txt': 'data' });
    const [a, files] = [keptFolder(join(project, 'node_modules/a'), 'a@1'), keptFolder(project, 'files', 'cloudcode')];
    const tree = packageTree({ 'node_modules/a': a });
    const task = { ...noopTask, file: 'cloudcode/noop/index.ts' };
    await deployProject(t.store, 'testing', { folder: project, tasks: [task], config: {}, packages: { tree, folders: [a], projectPath: '' }, files });
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
    for (const entry of readdirSync(scratch, { recursive: true, withFileTypes: true })) if (!entry.isSymbolicLink()) utimesSync(join(entry.parentPath, entry.name), 0, 0);
    writeFileSync(join(folders.packages, `${old}.used`), '');
    assert.equal(await sweepFolders(t.store, folders), 6, 'two folders, three left behind, and a bundle');
    rmSync(join(folders.packages, `${old}.used`));
    assert.equal(await sweepFolders(t.store, folders), 1);
    const left = (folder: string): readonly string[] => readdirSync(folder).filter((name) => !name.endsWith('.used')).sort();
    assert.deepEqual([left(folders.contents), left(folders.packages), left(folders.deployments)], [[a.hash, files.hash, 'of somebody'].sort(), [tree.hash, 'of somebody'].sort(), [deploymentHash(deployed), 'of somebody'].sort()]);
    assert.deepEqual(readdirSync(place).sort(), [`${bundleHash(task)}.cjs`, 'data.txt'].sort());
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
