import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { packageRoot, packageVersion } from '../../src/package-root.ts';
import { oldNode } from '../support/old-node.ts';
import { asProcess1, process1Of, withoutNamespaces, zombiesOf } from '../support/pid-namespace.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

interface Served extends AsyncDisposable {
  readonly started: Started;
  readonly url: string;
  /** By its id outside. */
  readonly process1: number;
}

const helpersOfARun = 10;
const tasks = {
  leaves: `
import { spawnSync } from 'node:child_process';
export async function run() {
  spawnSync('sh', ['-c', 'for i in 1 2 3 4 5; do (sleep 1000 &); (setsid sleep 1000 &); done'], { stdio: 'ignore' });
}`,
  sleeps:
    "export async function run({ ms }: { ms: number }) { console.log('sleeping'); await new Promise((resolve) => setTimeout(resolve, ms)); }",
};
const unshare = asProcess1 ?? ['false'];
const program = join(packageRoot, 'bin/cloudcode.cjs');

describe('CLI: as process 1 of a container', { skip: withoutNamespaces, timeout: 240_000 }, () => {
  let folder = '';
  let database: Awaited<ReturnType<typeof testDatabaseUrl>>;
  before(async () => {
    folder = writeProject(tasks);
    database = await testDatabaseUrl();
  });
  after(async () => {
    await database.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const serve = async (): Promise<Served> => {
    const started = startCloudcode(
      ['start', '--port', '0', '--json', '--project', folder, '--database', database.url],
      { command: [...unshare, process.execPath, program] },
    );
    const { url } = JSON.parse((await started.says(/^\{.*\}$/m))[0]) as { url: string };
    return {
      started,
      url,
      process1: process1Of(started.child.pid ?? 0),
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  };

  it('it collects what tasks leave behind; SIGTERM finishes what runs, and its exit status is passed on', async () => {
    await using served = await serve();
    const { started, url, process1 } = served;
    for (let count = 0; count < 2; count += 1) {
      const finished = await cloudcode(['run', 'leaves', '--json', '--url', url]);
      assert.equal(finished.status, 0, finished.stderr);
    }
    await until(
      20_000,
      `none of ${2 * helpersOfARun} helpers is left as a zombie`,
      () => zombiesOf(process1).length === 0 || null,
    );

    const { id } = documentOf<Run>(
      await cloudcode(['schedule', 'sleeps', '--parameters', '{"ms":1500}', '--json', '--url', url]),
    );
    await started.says(new RegExp(`${id} attempt 1 started`));
    process.kill(process1, 'SIGTERM');
    assert.equal(await started.ended, 0, started.stderr());
    assert.match(started.stderr(), new RegExp(`${id} attempt 1 returned`));
  });

  it('a second signal ends it at once', async () => {
    await using served = await serve();
    const { started, url, process1 } = served;
    await cloudcode(['schedule', 'sleeps', '--parameters', '{"ms":50000}', '--json', '--url', url]);
    await started.says(/sleeps \S+ attempt 1 started/);
    process.kill(process1, 'SIGINT');
    await started.says(/Draining, at most 30 s/);
    process.kill(process1, 'SIGINT');
    assert.equal(await started.ended, 130, started.stderr());
  });

  it('where it cannot, because Node is too old for that, it says so and goes on', async () => {
    const { status, stdout, stderr } = await cloudcode(['--version'], { command: [...unshare, ...oldNode(), program] });
    assert.deepEqual([status, stdout], [0, `${packageVersion}\n`]);
    assert.match(stderr, /^cloudcode is process 1 here, and Node collects no processes .*--init/);
  });
});

describe('process-1.sh: stands in for the command that it starts', { skip: withoutNamespaces, timeout: 60_000 }, () => {
  const reaper = [...unshare, '/bin/sh', join(packageRoot, 'bin/process-1.sh')] as const;
  const through = (...args: string[]) => cloudcode(args, { command: reaper, input: 'from standard input' });

  it('standard input, arguments and output pass through', async () => {
    assert.deepEqual(await through('sh', '-c', 'cat; printf " %s" "$@"; echo no >&2', '-', 'a  b', '*'), {
      status: 0,
      stdout: 'from standard input a  b *',
      stderr: 'no\n',
    });
  });

  for (const [script, status] of [
    ['exit 7', 7],
    ['kill -KILL $$', 137],
  ] as const) {
    it(`${script}: its status is ${status}`, async () =>
      assert.equal((await through('sh', '-c', script)).status, status));
  }

  it('each signal arrives, and is no end of it', async () => {
    const names = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2'] as const;
    const script =
      "for (const name of process.argv.slice(1)) process.on('SIG' + name, () => console.log('got ' + name)); setInterval(() => {}, 1000); console.log('ready'); process.on('SIGUSR2', () => process.exit(9));";
    await using started = startCloudcode([process.execPath, '-e', script, ...names], { command: reaper });
    await started.says(/ready/);
    for (const name of names) {
      process.kill(process1Of(started.child.pid ?? 0), `SIG${name}`);
      await started.says(new RegExp(`got ${name}\n`));
    }
    assert.equal(await started.ended, 9);
  });
});
