import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { testDatabaseUrl } from '../support/postgres.ts';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode } from './cloudcode.ts';

const tasks = {
  answer: 'export async function run() { return 42; }',
  threads:
    "import { once } from 'node:events';\nimport { Worker } from 'node:worker_threads';\nexport const run = async () => (await once(new Worker(new URL('./thread.ts', import.meta.url)), 'message'))[0];",
  'cloudcode/threads/thread.ts':
    "import { parentPort } from 'node:worker_threads';\nenum Kind { One = 'of a thread' }\nparentPort!.postMessage(Kind.One);",
};

interface ReadOnly extends Disposable {
  readonly project: string;
}

/** A project on a mount that can only be read: root heeds no modes. Null where nothing can be mounted. */
function readOnlyProject(): ReadOnly | null {
  const project = realpathSync(writeProject(tasks));
  if (spawnSync('mount', ['--bind', project, project]).status !== 0) {
    rmSync(project, { recursive: true });
    return null;
  }
  execFileSync('mount', ['-o', 'remount,bind,ro', project]);
  return {
    project,
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', project]);
      rmSync(project, { recursive: true });
    },
  };
}

const filesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('cloudcode-files-'));

const noMounts = 'nothing can be mounted';

describe('where the files of a machine go', { timeout: 240_000 }, () => {
  it('to a temporary folder with --database when the project cannot be written; commands find the server by it, and it is told once', async (t) => {
    using place = readOnlyProject();
    if (place === null) return t.skip(noMounts);
    const { project } = place;
    const database = await testDatabaseUrl();
    const temporary = mkdtempSync(join(tmpdir(), 'cloudcode-test-tmp-'));
    const env = { TMPDIR: temporary };
    {
      await using server = startCloudcode(
        ['start', '--port', '0', '--json', '--database', database.url, '--project', project],
        { env },
      );
      const [line] = await server.says(/^\{.*\}$/m);
      const { url } = JSON.parse(line) as { url: string };
      const found = await cloudcode(['run', 'answer', '--json', '--project', project], { env });
      assert.equal(found.status, 0, found.stderr);
      assert.equal(documentOf<{ result: number }>(found).result, 42);
      assert.equal(
        server.stderr().match(/cannot be written \(EROFS\): the files of this machine go to .*--data DIR/g)?.length,
        1,
        server.stderr(),
      );
      const named = await cloudcode(['runs', '--json', '--url', url]);
      assert.equal(documentOf<{ runs: unknown[] }>(named).runs.length, 1);
      const threads = await cloudcode(['run', 'threads', '--json', '--project', project], { env });
      assert.equal(documentOf<{ result: string }>(threads).result, 'of a thread', threads.stderr);
      const folders = filesIn(temporary);
      assert.equal(folders.length, 1, 'what was built is nowhere else');
      assert.deepEqual(readdirSync(join(temporary, folders[0] ?? '')).toSorted(), [
        'bundles',
        'contents',
        'deployments',
        'packages',
        'servers',
        'users',
        'workers',
      ]);
    }
    assert.deepEqual(filesIn(temporary), [], 'it goes with the last that uses it');
    await database.dispose();
    rmSync(temporary, { recursive: true });
  });

  it('to a temporary folder that outlives one of two servers, and that of a killed one is removed by the next command', async (t) => {
    using place = readOnlyProject();
    if (place === null) return t.skip(noMounts);
    const database = await testDatabaseUrl();
    const temporary = mkdtempSync(join(tmpdir(), 'cloudcode-test-tmp-'));
    const args = ['start', '--port', '0', '--json', '--database', database.url, '--project', place.project];
    {
      await using first = startCloudcode(args, { env: { TMPDIR: temporary } });
      await first.says(/^\{.*\}$/m);
      {
        await using second = startCloudcode(args, { env: { TMPDIR: temporary } });
        await second.says(/^\{.*\}$/m);
        first.child.kill('SIGINT');
        await first.ended;
        assert.equal(filesIn(temporary).length, 1, 'the second uses it');
        second.child.kill('SIGKILL');
        await second.ended;
      }
    }
    assert.equal(filesIn(temporary).length, 1, 'who is killed removes nothing');
    const project = writeProject(tasks);
    const ran = await cloudcode(['run', 'answer', '--project', project, '--database', database.url], {
      env: { TMPDIR: temporary },
    });
    assert.equal(ran.status, 0, ran.stderr);
    assert.deepEqual(filesIn(temporary), []);
    await database.dispose();
    for (const folder of [temporary, project]) rmSync(folder, { recursive: true });
  });

  it('to no temporary folder that somebody else could write to', async (t) => {
    using place = readOnlyProject();
    if (place === null) return t.skip(noMounts);
    const temporary = mkdtempSync(join(tmpdir(), 'cloudcode-test-tmp-'));
    const env = { TMPDIR: temporary };
    const database = await testDatabaseUrl();
    const args = ['run', 'answer', '--database', database.url, '--project', place.project];
    let folder: string | undefined;
    {
      await using server = startCloudcode(['start', '--port', '0', '--json', ...args.slice(2)], { env });
      await server.says(/^\{.*\}$/m);
      [folder] = filesIn(temporary);
    }
    assert.ok(folder !== undefined);
    mkdirSync(join(temporary, folder));
    chmodSync(join(temporary, folder), 0o777);
    const refused = await cloudcode(args, { env });
    assert.deepEqual(
      [refused.status, /folder_not_writable/.test(refused.stderr), /--data DIR/.test(refused.stderr)],
      [2, true, true],
      refused.stderr,
    );
    await database.dispose();
    rmSync(temporary, { recursive: true });
  });

  it('never to a temporary one with the embedded database: that is refused, with what to do', async (t) => {
    using place = readOnlyProject();
    if (place === null) return t.skip(noMounts);
    for (const args of [['run', 'answer'], ['start', '--port', '0'], ['runs']]) {
      const { status, stderr } = await cloudcode([...args, '--project', place.project]);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /cannot be written \(EROFS\).*embedded PostgreSQL.*folder_not_writable/);
      assert.match(stderr, /--data DIR \(CLOUDCODE_DATA\).*--database URL/);
    }
  });

  it('where --data says, all of them, also those of the embedded database; CLOUDCODE_DATA stands in for it', async () => {
    const project = writeProject(tasks);
    const data = join(mkdtempSync(join(tmpdir(), 'cloudcode-test-data-')), 'of this', 'machine');
    const ran = await cloudcode(['run', 'answer', '--json', '--project', project, '--data', data]);
    assert.equal(ran.status, 0, ran.stderr);
    assert.deepEqual(
      ['bundles', 'postgres'].map((name) => existsSync(join(data, name))),
      [true, true],
    );
    assert.equal(existsSync(join(project, '.cloudcode')), false);
    const listed = await cloudcode(['runs', '--json', '--project', project], { env: { CLOUDCODE_DATA: data } });
    assert.equal(documentOf<{ runs: unknown[] }>(listed).runs.length, 1);
    rmSync(project, { recursive: true });
    rmSync(data, { recursive: true });
  });

  it('a folder named by --data that cannot be written is refused, and nothing stands in for it', async (t) => {
    using place = readOnlyProject();
    if (place === null) return t.skip(noMounts);
    const database = await testDatabaseUrl();
    const project = writeProject(tasks);
    const { status, stderr } = await cloudcode([
      'run',
      'answer',
      '--project',
      project,
      '--database',
      database.url,
      '--data',
      join(place.project, 'files'),
    ]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /files cannot be written \(EROFS\)\..*folder_not_writable/);
    assert.equal(existsSync(join(project, '.cloudcode')), false);
    await database.dispose();
    rmSync(project, { recursive: true });
  });
});
