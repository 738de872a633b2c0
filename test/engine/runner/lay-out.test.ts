import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  promises,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { listFiles } from '../../../src/project/packages/list-files.ts';
import { packagesFile, readPackageSources } from '../../../src/contents/remembered-contents.ts';
import { contentReader } from '../../../src/project/packages/remember-contents.ts';
import {
  type DeploymentFolder,
  machineFolders,
  openDeploymentFolders,
} from '../../../src/engine/runner/deployed/deployment-folders.ts';
import { stampFile } from '../../../src/engine/runner/deployed/layout-stamps.ts';
import type { DeployedFolder } from '../../../src/engine/store/contents.ts';
import { keptFolder, packageTree, writeFiles } from '../../support/kept-folders.ts';
import { until } from '../../support/runtime.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { noopTask, testStore, type TestStore } from '../../support/store.ts';

/** Changes of the file system by promises. From one on nothing of the process goes on, as when it is killed: what it would do then, cleaning up included, is not done. */
let changes = 0;
let stoppingBefore = Infinity;
let onStopped = (): void => undefined;
const opened: unknown[] = [];
const originals = { ...promises };
function stopBeforeChanges(): void {
  const changing = promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of ['mkdir', 'open', 'link', 'copyFile', 'chmod', 'symlink', 'rename', 'rm']) {
    const change = changing[name];
    changing[name] = async (...args) => {
      changes += 1;
      if (changes >= stoppingBefore) {
        onStopped();
        return new Promise(() => undefined);
      }
      const made = await change?.(...args);
      if (name === 'open') opened.push(made);
      return made;
    };
  }
  syncBuiltinESMExports();
}

const texts = {
  'node_modules/a/index.js': 'exports.a = 1;',
  'node_modules/a/lib/deep.js': "exports.deep = 'deep';",
  'node_modules/a/tool.sh': '#!/bin/sh\n',
  'node_modules/b/index.js': 'exports.b = 2;',
  'cloudcode/noop/template.txt': 'Dear',
};

describe('what lies on a machine as a deployment is what was deployed', { timeout: 240_000 }, () => {
  let t: TestStore;
  let scratch: string;
  let project: string;
  let machine: string;
  let deployed: DeployedFolder;
  before(async () => {
    stopBeforeChanges();
    t = await testStore();
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test lay-out-')));
    project = join(scratch, 'project');
    writeFiles(project, texts);
    chmodSync(join(project, 'node_modules/a/tool.sh'), 0o755);
    const [a, b, files] = [
      keptFolder(join(project, 'node_modules/a'), 'a@1'),
      keptFolder(join(project, 'node_modules/b'), 'b@1'),
      keptFolder(project, 'files', 'cloudcode'),
    ];
    const tree = packageTree(
      { 'node_modules/a': a, 'node_modules/b': b, 'node_modules/b/node_modules/a': a },
      { 'node_modules/linked': 'a' },
    );
    await deployProject(t.store, 'testing', {
      folder: project,
      tasks: [{ ...noopTask, file: 'cloudcode/noop/index.ts' }],
      config: {},
      packages: { tree, folders: [a, b], projectPath: '' },
      files,
    });
    deployed = { treeHash: tree.hash, filesHash: files.hash, projectPath: '' };
  });
  after(async () => {
    Object.assign(promises, originals);
    syncBuiltinESMExports();
    for (const file of opened) await (file as FileHandle).close().catch(() => undefined);
    await t[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true });
  });
  beforeEach(() => {
    machine = join(scratch, 'machine');
    mkdirSync(machine);
  });
  afterEach(() => rmSync(machine, { recursive: true }));

  /** As a runner that starts does. */
  const layOut = (): Promise<DeploymentFolder> => openDeploymentFolders(t.store, machineFolders(machine))(deployed);
  const textsIn = ({ project: of }: DeploymentFolder): Record<string, string> =>
    Object.fromEntries(Object.keys(texts).map((path) => [path, readFileSync(join(of, path), 'utf8')]));
  const assertWhole = (folder: DeploymentFolder): void => {
    assert.deepEqual(textsIn(folder), texts);
    assert.equal(
      readFileSync(join(folder.project, 'node_modules/b/node_modules/a/index.js'), 'utf8'),
      texts['node_modules/a/index.js'],
    );
    assert.equal(
      readFileSync(join(folder.project, 'node_modules/linked/index.js'), 'utf8'),
      texts['node_modules/a/index.js'],
    );
    assert.equal(statSync(join(folder.project, 'node_modules/a/tool.sh')).mode & 0o111, 0o111);
  };
  /** As it may come: at the same time, with the size that it had. */
  const overwrite = (path: string, keepsTime: boolean): void => {
    const { atime, mtime, size } = statSync(path);
    writeFileSync(path, Buffer.alloc(size));
    if (keepsTime) utimesSync(path, atime, mtime);
    else utimesSync(path, atime, new Date(mtime.getTime() + 5));
  };

  it('wherever the process that lays it out is killed', async () => {
    stoppingBefore = Infinity;
    changes = 0;
    await layOut();
    const count = changes;
    assert.ok(count > 20, String(count));
    const tree = join(machine, 'packages', deployed.treeHash ?? '');
    for (let change = 1; change <= count; change += 1) {
      rmSync(machine, { recursive: true });
      mkdirSync(machine);
      [changes, stoppingBefore] = [0, change];
      const stopped = new Promise<void>((resolve) => (onStopped = resolve));
      await Promise.race([stopped, layOut()]);
      assert.equal(existsSync(stampFile(tree)) && !existsSync(tree), false);
      for (const left of globSync('node_modules/*/index.js', { cwd: tree }))
        assert.equal(
          readFileSync(join(tree, left), 'utf8'),
          left.includes('/b/') ? texts['node_modules/b/index.js'] : texts['node_modules/a/index.js'],
          `before change ${change}`,
        );
      stoppingBefore = Infinity;
      assertWhole(await layOut());
    }
  });

  it('once there is room for it: a full disk is a trouble of the machine, and leaves nothing half', async (c) => {
    using disk = mountSmallDisk('1m');
    if (disk === null) return c.skip('a small disk can be mounted by root only');
    const layOutThere = (): Promise<DeploymentFolder> =>
      openDeploymentFolders(t.store, machineFolders(disk.folder))(deployed);
    disk.fill();
    await assert.rejects(layOutThere(), { code: 'ENOSPC' });
    assert.deepEqual(globSync(['*/*.tmp', '*/*/node_modules'], { cwd: disk.folder }), []);
    disk.empty();
    assertWhole(await layOutThere());
    rmSync(join(disk.folder, 'packages'), { recursive: true });
    disk.setReadOnly(true);
    await assert.rejects(
      layOutThere(),
      (error: NodeJS.ErrnoException) => error.code === 'EROFS' || error.code === 'ENOENT',
      'Node says that a folder which it may not make is not there',
    );
    disk.setReadOnly(false);
    assertWhole(await layOutThere());
  });

  for (const [lost, lose] of [
    ['was not on the disk yet', (path: string) => rmSync(path)],
    ['is of another boot', (path: string) => writeFileSync(path, 'f'.repeat(64))],
  ] as const) {
    it(`after a crash of the machine that has left files empty in their full size, when the stamp ${lost}`, async () => {
      const folder = await layOut();
      const tree = folder.packages ?? '';
      for (const path of [join(tree, 'node_modules/a/index.js'), join(folder.project, 'cloudcode/noop/template.txt')])
        overwrite(path, true);
      for (const path of globSync('*/*.seen', { cwd: machine })) lose(join(machine, path));
      assertWhole(await layOut());
    });
  }

  it('after somebody has written into files of it, in place and with the size kept', async () => {
    const folder = await layOut();
    for (const path of ['node_modules/b/index.js', 'node_modules/a/lib/deep.js', 'cloudcode/noop/template.txt'])
      overwrite(join(folder.project, path), false);
    assertWhole(await layOut());
    const stamp = readFileSync(stampFile(folder.packages ?? ''), 'utf8');
    assertWhole(await layOut());
    assert.equal(readFileSync(stampFile(folder.packages ?? ''), 'utf8'), stamp, 'it is the same again');
  });

  it('from the folder that was deployed where that is here and still the same, else from the database; never linked to it', async () => {
    const remember = async (): Promise<void> => {
      const contents = await contentReader(packagesFile(machine));
      for (const name of ['a', 'b']) {
        const folder = join(project, 'node_modules', name);
        await contents.read({ name, folder, files: listFiles(folder, () => false) });
      }
      await contents.save();
    };
    // What was changed just now is not remembered.
    await until(20_000, 'both are remembered', async () => {
      await remember();
      return (await readPackageSources(machine)).size === 2 ? true : null;
    });
    overwrite(join(project, 'node_modules/b/index.js'), true);
    const parts = await t.store.query<{ number: number }>({
      name: '',
      text: "update cloudcode.content_parts set number = number + 100 where upload_id = (select upload_id from cloudcode.contents where name = 'a@1') returning number",
    });
    assert.ok(parts.length > 0);
    try {
      assertWhole(await layOut());
      assert.notEqual(
        statSync(join(machine, 'packages', deployed.treeHash ?? '', 'node_modules/a/index.js')).ino,
        statSync(join(project, 'node_modules/a/index.js')).ino,
      );
      rmSync(machine, { recursive: true });
      mkdirSync(machine);
      await assert.rejects(layOut(), /The files of a@1 \([0-9a-f]{64}\) in the database are /);
    } finally {
      await t.store.query({
        name: '',
        text: 'update cloudcode.content_parts set number = number - 100 where number >= 100',
      });
      writeFileSync(join(project, 'node_modules/b/index.js'), texts['node_modules/b/index.js']);
    }
  });
});
