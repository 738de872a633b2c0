import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { oldNode } from '../support/old-node.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, startCloudcode, type Started } from './cloudcode.ts';

const tasks = {
  tells_node: 'export async function run() { return process.version; }',
  sleeps:
    "export async function run({ ms }: { ms: number }) { console.log('sleeping'); await new Promise((resolve) => setTimeout(resolve, ms)); }",
};
interface Served extends AsyncDisposable {
  readonly started: Started;
  /** Of the newer Node. */
  readonly pid: number;
}

const isGone = (pid: number): boolean => {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
};

describe('CLI: on an older Node it runs on the one that the project has', { timeout: 240_000 }, () => {
  let folder = '';
  let command: readonly [string, ...string[]];
  before(() => {
    folder = writeProject(tasks);
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
    symlinkSync(join(packageRoot, 'bin/cloudcode.cjs'), join(folder, 'node_modules/.bin/cloudcode'));
    command = [...oldNode(), join(folder, 'node_modules/.bin/cloudcode')];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const serve = async (options: { readonly detached?: boolean } = {}): Promise<Served> => {
    const started = startCloudcode(['start', '--port', '0', '--json', '--project', folder], { command, ...options });
    const { pid } = JSON.parse((await started.says(/^\{.*\}$/m))[0]) as { pid: number };
    return { started, pid, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
  };

  it('what is printed, asked and answered passes through, and the exit status is that of the command', async () => {
    const finished = await cloudcode(['run', 'tells_node', '--parameters', '-', '--json'], {
      command,
      cwd: folder,
      input: '{}',
    });
    assert.equal(finished.status, 0, finished.stderr);
    assert.equal((JSON.parse(finished.stdout) as { result: string }).result, process.version);
    assert.equal((await cloudcode(['run', 'nope', '--project', folder], { command })).status, 2);
  });

  it('SIGTERM finishes what runs, also where a service manager sends it to all its processes', async () => {
    await using served = await serve({ detached: true });
    const { started } = served;
    const { status, stdout } = await cloudcode([
      'schedule',
      'sleeps',
      '--parameters',
      '{"ms":1500}',
      '--json',
      '--project',
      folder,
    ]);
    assert.equal(status, 0);
    const { id } = JSON.parse(stdout) as { id: string };
    await started.says(new RegExp(`${id} attempt 1 started`));
    process.kill(-(started.child.pid ?? 0), 'SIGTERM');
    assert.equal(await started.ended, 0, started.stderr());
    assert.match(started.stderr(), new RegExp(`${id} attempt 1 returned`));
  });

  it('a second signal ends it at once, with the status of one that a signal ended', async () => {
    await using served = await serve({ detached: true });
    const { started } = served;
    await cloudcode(['schedule', 'sleeps', '--parameters', '{"ms":50000}', '--project', folder]);
    await started.says(/sleeps \S+ attempt 1 started/);
    started.child.kill('SIGINT');
    await started.says(/Draining, at most 30 s/);
    started.child.kill('SIGINT');
    assert.equal(await started.ended, 130, started.stderr());
  });

  it('SIGKILL of either ends both', async () => {
    await using first = await serve();
    first.started.child.kill('SIGKILL');
    assert.equal(await first.started.ended, 'SIGKILL');
    await until(20_000, 'the server is gone', () => isGone(first.pid) || null);
    await using second = await serve();
    process.kill(second.pid, 'SIGKILL');
    assert.equal(await second.started.ended, 'SIGKILL');
  });
});

describe(
  'CLI: on an older Node it finds a newer one where npm may have put it, and says what to do where there is none',
  { timeout: 120_000 },
  () => {
    let root = '';
    before(() => {
      root = mkdtempSync(join(tmpdir(), 'cloudcode old-node '));
      cpSync(join(packageRoot, 'bin'), join(root, 'bin'), { recursive: true });
      mkdirSync(join(root, 'dist'));
      writeFileSync(
        join(root, 'dist/cli.js'),
        "process.stdout.write(process.version + ' ' + process.argv.slice(2).join(' '));",
      );
      writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
      for (const [way, version] of [
        ['beside/node_modules/node/bin/node', null],
        ['none/node_modules/.bin/node', 'v22.14.0'],
      ] as const) {
        mkdirSync(join(root, way, '..'), { recursive: true });
        if (version === null) symlinkSync(process.execPath, join(root, way));
        else writeFileSync(join(root, way), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
      }
      mkdirSync(join(root, 'beside/packages/app'), { recursive: true });
    });
    after(() => rmSync(root, { recursive: true, force: true }));

    const run = (cwd: string, ...args: string[]) =>
      cloudcode(args, { command: [...oldNode(), join(root, 'bin/cloudcode.cjs')], cwd: join(root, cwd) });

    it('up the tree from where it is called', async () => {
      assert.deepEqual(await run('beside/packages/app', 'runs'), {
        status: 0,
        stdout: `${process.version} runs`,
        stderr: '',
      });
    });

    it('in the folder that --project names', async () => {
      for (const args of [
        ['--project', '../beside'],
        ['--project=../beside', 'runs'],
      ]) {
        assert.deepEqual(await run('none', ...args), {
          status: 0,
          stdout: `${process.version} ${args.join(' ')}`,
          stderr: '',
        });
      }
    });

    it('none, or one that is too old as well: the version that is needed, and how to get it', async () => {
      const { status, stdout, stderr } = await run('none', 'runs');
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(
        stderr,
        /^cloudcode needs Node 22\.15 or later\. This is Node \d+\.\d+\.\d+ \(.*\), and the project's node_modules has no newer one\.\nInstall Node 24/,
      );
    });
  },
);
