import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode } from './cloudcode.ts';

const returns = (value: string): string => `export async function run() { return '${value}'; }`;
const slowConfig = 'await new Promise((resolve) => setTimeout(resolve, 2500));\nexport default {};';

interface Deployment {
  readonly environment: string;
  readonly folder: string;
  readonly changed: boolean;
  readonly settings: readonly string[];
  readonly tasks: readonly string[];
  readonly code: {
    readonly count: number;
    readonly bytes: number;
    readonly added: readonly { readonly name: string; readonly bytes: number }[];
  };
}

describe('CLI: deploy', { timeout: 240_000 }, () => {
  let folder = '';
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  const deploy = (...args: string[]): ReturnType<typeof cloudcode> =>
    cloudcode(['deploy', ...args, '--project', folder]);
  const tasksOf = async (...args: string[]): Promise<string> =>
    (await cloudcode(['schedule', 'nothing', ...args, '--project', folder])).stderr;
  before(() => (folder = writeProject({ a: returns('a1'), b: returns('b1') })));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('names the places that start threads or processes by paths which no build sees, until `files` names some', async () => {
    const own = writeProject({
      a: "import { Worker } from 'node:worker_threads';\nexport const run = (name: string) => new Worker(process.cwd() + '/other/' + name);",
      b: "import { fork } from 'node:child_process';\nexport const run = (params: { file: string }) => void fork(params.file);",
      c: "import { Worker } from 'node:worker_threads';\nconst file = new URL('../../other/x.js', import.meta.url);\nexport const run = () => new Worker(file);",
      d: "import { Worker } from 'node:worker_threads';\nexport const run = () => [new Worker(\n  import.meta.filename), new Worker('x', { eval: true })];",
      'other/x.js': '',
    });
    try {
      const names = (printed: string): readonly (string | undefined)[] =>
        [...printed.matchAll(/files +(\S+) starts a thread or process by a computed path/g)].map(([, place]) => place);
      const first = await cloudcode(['deploy', '--project', own]);
      assert.deepEqual(names(first.stdout), ['cloudcode/a/index.ts:2', 'cloudcode/b/index.ts:2']);
      writeFileSync(join(own, 'cloudcode.config.ts'), "export default { files: ['other/*'] };");
      assert.deepEqual(names((await cloudcode(['deploy', '--project', own])).stdout), []);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  it("says what it deployed to the project's own store, and how much of it was new", async () => {
    const first = await deploy();
    assert.equal(first.status, 0, first.stderr);
    assert.match(
      first.stdout,
      /^Deployed to testing \(deployment 1\)\n {2}tasks {5}2 \(\d.*\), 2 of them new \(\d.*B\)\n$/,
    );
    write('cloudcode/a/index.ts', returns('a2'));
    const second = documentOf<Deployment>(await deploy('--json'));
    assert.deepEqual(
      { ...second, code: null, packages: null, files: null },
      {
        id: '2',
        dryRun: false,
        cancelledRuns: 0,
        check: null,
        changes: {
          tasks: { added: [], changed: ['a'], removed: [] },
          packages: { added: [], removed: [] },
          files: false,
          data: { steps: [], notices: [] },
        },
        environment: 'testing',
        folder,
        changed: true,
        settings: [],
        tasks: ['a', 'b'],
        report: [],
        computedStarts: [],
        notices: [],
        code: null,
        packages: null,
        files: null,
      },
    );
    assert.deepEqual([second.code.count, second.code.added.map(({ name }) => name)], [2, ['a']]);
    assert.ok((second.code.added[0]?.bytes ?? 0) > 0 && (second.code.added[0]?.bytes ?? 0) < second.code.bytes);
    const third = await deploy('--verbose');
    assert.match(
      third.stdout,
      /^Nothing to deploy: testing has this already\n {2}tasks {5}2 \(.*\), none of them new\n {2}task a: the store has this code already\n/,
    );
    write('cloudcode.config.ts', "export default { environments: { testing: { variables: { A: '1' } } } };");
    assert.match((await deploy()).stdout, /^Deployed to testing: variables\n/);
    rmSync(join(folder, 'cloudcode.config.ts'));
  });

  it('--verbose says of each package what was done with it, and why', async () => {
    const project = writeProject({
      a: "import { x } from 'small';\nexport async function run() { return x; }",
      'package.json': '{ "dependencies": { "small": "1.2.3" } }',
      'node_modules/small/package.json': '{ "name": "small", "version": "1.2.3", "dependencies": { "needed": "2" } }',
      'node_modules/needed/package.json': '{ "name": "needed", "version": "2.0.0" }',
      'node_modules/small/index.js': 'exports.x = 1;',
    });
    const deployed = await cloudcode(['deploy', '--verbose', '--project', project]);
    rmSync(project, { recursive: true, force: true });
    assert.match(
      deployed.stdout,
      /\n {2}packages {2}2 \(\d+ B\), 2 of them new .*\n[\s\S]* {2}package needed@2\.0\.0 \(\d+ B\): outside of the bundles; small@1\.2\.3 needs it\n {2}package small@1\.2\.3 \(\d+ B\): outside of the bundles; cloudcode\/a\/index\.ts imports it\n/,
    );
  });

  it('deploys all or nothing: one broken task refuses the rest with its error', async () => {
    write('cloudcode/a/index.ts', 'export async function run( {');
    writeFileSync(join(folder, 'cloudcode/b/index.ts'), returns('b2'));
    const refused = await deploy('--json');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /^(?:.* …\n)*error: cloudcode\/a\/index\.ts:1:.*\(task_broken\)/);
    assert.equal(documentOf<{ code: string }>(refused).code, 'task_broken');
    write('cloudcode/a/index.ts', returns('a2'));
    const next = documentOf<Deployment>(await deploy('--json'));
    assert.deepEqual(
      next.code.added.map(({ name }) => name),
      ['b'],
      'b was not deployed before',
    );
  });

  it('says what a long build is at, on standard error', async () => {
    write('cloudcode.config.ts', slowConfig);
    const finished = await deploy('--json');
    rmSync(join(folder, 'cloudcode.config.ts'));
    assert.match(finished.stderr, /^running cloudcode\.config\.ts …\n/m);
    assert.equal(documentOf<Deployment>(finished).changed, false);
  });

  it('two at once take turns', async () => {
    const other = writeProject({ a: returns('other a'), c: returns('c') });
    await using database = await testDatabaseUrl().then(({ url, dispose }) => ({
      url,
      [Symbol.asyncDispose]: dispose,
    }));
    const both = await Promise.all(
      [folder, other, folder].map((project) =>
        cloudcode(['deploy', '--json', '--database', database.url, '--project', project]),
      ),
    );
    rmSync(other, { recursive: true, force: true });
    assert.deepEqual(
      both.map(({ status }) => status),
      [0, 0, 0],
      both.map(({ stderr }) => stderr).join(),
    );
    const deployed = both.map((one) => documentOf<Deployment>(one).tasks.join());
    assert.deepEqual(deployed, ['a,b', 'a,c', 'a,b']);
    const tasks = /Its tasks are: (.*)\./.exec(await tasksOf('--database', database.url))?.[1];
    assert.ok(tasks === 'a, b' || tasks === 'a, c', String(tasks));
  });

  it('refuses what it cannot do, with one error, and changes nothing', async () => {
    const server = 'http://user:secret@127.0.0.1:59';
    for (const [args, env, status, says] of [
      [['--url', server], {}, 2, /holds no user and password: http:\/\/127\.0\.0\.1:59 does.*wrong_usage/],
      [[], { CLOUDCODE_URL: server }, 2, /Take them out of --url or CLOUDCODE_URL/],
      [['--url', 'http://127.0.0.1:59'], {}, 5, /server_unreachable/],
      [['--environment', 'nowhere'], {}, 2, /environment_not_found/],
      [['--database', 'postgres://nobody@127.0.0.1:59/nothing'], {}, 5, /database_unreachable/],
      [['extra'], {}, 2, /too many arguments/],
      [['--dry'], {}, 2, /unknown option '--dry'/],
    ] as const) {
      const refused = await cloudcode(['deploy', ...args, '--project', folder], { env });
      assert.equal(refused.status, status, refused.stderr);
      assert.match(refused.stderr, says);
      assert.equal(refused.stdout, '');
      assert.doesNotMatch(refused.stderr, /secret/);
    }
    for (const args of [[], ['--project', join(folder, 'cloudcode')]])
      assert.match((await cloudcode(['deploy', ...args])).stderr, /is no CloudCode project.*project_not_found/);
  });
});

describe('CLI: deploy beside a server that serves the project', { timeout: 240_000 }, () => {
  const save = (folder: string, value: string): void =>
    writeFileSync(join(folder, 'cloudcode/task/index.ts'), returns(value));
  const resultOf = async (folder: string): Promise<[unknown, string]> => {
    const finished = await cloudcode(['run', 'task', '--json', '--project', folder]);
    return [documentOf<Run>(finished).result, finished.stderr];
  };

  it('start: it deploys to the store that the server works on, which takes it up and no longer calls the folder changed', async () => {
    const folder = writeProject({ task: returns('one') });
    const database = await testDatabaseUrl();
    try {
      await using server = startCloudcode(['start', '--port', '0', '--database', database.url, '--project', folder]);
      await server.says(/Ctrl-C stops it/);
      save(folder, 'two');
      const [old, stale] = await resultOf(folder);
      assert.equal(old, 'one');
      assert.match(stale, /Changed since: cloudcode\/task\/index\.ts/);
      writeFileSync(join(folder, 'cloudcode.config.ts'), slowConfig);
      const deployed = await cloudcode(['deploy', '--project', folder]);
      assert.equal(deployed.status, 0, deployed.stderr);
      assert.match(deployed.stdout, /^Deployed to testing \(deployment 2\)\n {2}tasks {5}1 \(.*1 of them new/);
      assert.match(deployed.stderr, /^running cloudcode\.config\.ts …\n/m, 'what the server is at is told');
      await until(20_000, 'the server tells of it', () =>
        server.stderr().match(/ deployed: 1 task\n/g)?.length === 2 ? true : null,
      );
      assert.deepEqual(await resultOf(folder), ['two', '']);
      rmSync(join(folder, 'cloudcode.config.ts'));
      save(folder, "three'; broken(");
      const refused = await cloudcode(['deploy', '--project', folder]);
      assert.equal(refused.status, 2);
      assert.match(refused.stderr, /task\/index\.ts:1:.*task_broken/);
      assert.equal((await resultOf(folder))[0], 'two');
    } finally {
      await database.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('start that has left alone what others deployed deploys the folder then, and dev does what it is asked as well', async () => {
    const folder = writeProject({ task: returns('one') });
    const deploy = async (): Promise<string> => (await cloudcode(['deploy', '--project', folder])).stdout;
    try {
      assert.match(await deploy(), /^Deployed/);
      save(folder, 'two');
      assert.match(await deploy(), /^Deployed/);
      save(folder, 'one');
      {
        await using server = startCloudcode(['start', '--port', '0', '--project', folder]);
        await server.says(/Ctrl-C stops it/);
        const [kept, stale] = await resultOf(folder);
        assert.equal(kept, 'two');
        assert.match(stale, /left alone what others have deployed/);
        assert.match(await deploy(), /^Deployed to testing \(deployment 3\)\n {2}tasks {5}1 \(.*none of them new/);
        assert.deepEqual(await resultOf(folder), ['one', '']);
      }
      await using dev = startCloudcode(['dev', '--port', '0', '--project', folder]);
      await dev.says(/Ctrl-C stops it/);
      assert.match(await deploy(), /^Nothing to deploy/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
