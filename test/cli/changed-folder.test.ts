import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

const returns = (value: string): string => `export async function run() { return '${value}'; }`;

interface Place {
  readonly root: string;
  readonly folder: string;
  write(path: string, text: string): void;
  run(task?: string): ReturnType<typeof cloudcode>;
  resultIs(value: string): Promise<void>;
  serve(...args: string[]): Promise<Started>;
}

/** A project in `app/`, below a folder of its own; servers are stopped at the end. */
async function inProject(files: Readonly<Record<string, string>>, use: (place: Place) => Promise<void>): Promise<void> {
  const root = writeProject({ 'README.md': '' });
  const folder = join(root, 'app');
  const servers: Started[] = [];
  const write: Place['write'] = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const run: Place['run'] = (task = 'task') => cloudcode(['run', task, '--json', '--project', folder]);
  for (const [path, text] of Object.entries(files)) write(path, text);
  try {
    await use({
      root,
      folder,
      write,
      run,
      resultIs: async (value) => {
        const finished = await run();
        assert.equal(finished.status, 0, finished.stderr);
        assert.equal(documentOf<Run>(finished).result, value);
      },
      serve: async (...args) => {
        const started = startCloudcode([...args, '--port', '0', '--project', folder]);
        servers.push(started);
        await started.says(/Ctrl-C stops it/);
        return started;
      },
    });
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
    rmSync(root, { recursive: true, force: true });
  }
}

describe('CLI: run executes the folder as it stands, or says that it does not', { timeout: 240_000 }, () => {
  it('with dev: at once after a save, not at all after a broken one, and again when it is corrected', () =>
    inProject({ 'cloudcode/task/index.ts': returns('first') }, async ({ write, run, resultIs, serve }) => {
      const dev = await serve('dev');
      for (const value of ['second', 'third']) {
        write('cloudcode/task/index.ts', returns(value));
        await resultIs(value);
      }
      write('cloudcode/task/index.ts', 'export async function run( {');
      const refused = await run();
      assert.equal(refused.status, 2);
      assert.match(
        refused.stderr,
        /cloudcode\/task\/index\.ts:1:.*task_broken[\s\S]*Nothing was scheduled[\s\S]*last good deployment/,
      );
      assert.equal(documentOf<{ code: string }>(refused).code, 'task_broken');
      await dev.says(/not deployed: [\s\S]*The last good deployment goes on: task\n/);
      write('cloudcode.config.ts', 'export default {');
      write('cloudcode/new/index.ts', returns('new'));
      const unknown = await cloudcode(['schedule', 'new', '--project', dev.child.spawnargs.at(-1) ?? '']);
      assert.equal(unknown.status, 2);
      assert.match(unknown.stderr, /could not be deployed[\s\S]*unknown_task[\s\S]*cloudcode\.config\.ts:1:/);
      write('cloudcode.config.ts', 'export default {};');
      write('cloudcode/task/index.ts', returns('fourth'));
      await resultIs('fourth');
      assert.equal((await run('new')).status, 0);
    }));

  it('dev on a broken project says that the tasks of the last good deployment go on', () =>
    inProject(
      { 'cloudcode/task/index.ts': returns('good'), 'cloudcode/other/index.ts': returns('other') },
      async ({ folder, write, serve, resultIs }) => {
        await resultIs('good');
        write('cloudcode.config.ts', 'broken(');
        const dev = await serve('dev');
        assert.match(dev.stdout(), /tasks {8}other, task\n +of the last good deployment/);
        assert.match(dev.stderr(), /not deployed/);
        assert.equal((await cloudcode(['schedule', 'task', '--project', folder])).status, 0);
        await dev.says(/task \S+ attempt 1 returned/);
      },
    ));

  it('start says what has changed since, and of a new folder what is the matter', () =>
    inProject({ 'cloudcode/task/index.ts': returns('old') }, async ({ folder, write, run, serve }) => {
      const started = await serve('start');
      assert.equal((await run()).stderr, '');
      write('cloudcode/task/index.ts', returns('new'));
      write('cloudcode/added/index.ts', returns('added'));
      const old = await run();
      assert.equal(documentOf<Run>(old).result, 'old');
      assert.match(
        old.stderr,
        /as it was when the server started\. Changed since: cloudcode\/added\/index\.ts, cloudcode\/task\/index\.ts\. To deploy that: cloudcode deploy/,
      );
      const { url } = /Listening at (?<url>\S+)/.exec(started.stdout())?.groups ?? {};
      for (const args of [
        ['run', 'added', '--project', folder],
        ['schedule', 'added', '--url', url ?? ''],
      ]) {
        const refused = await cloudcode(args);
        assert.equal(refused.status, 2);
        assert.match(
          refused.stderr,
          /no task `added`.*The folder of this server has it.*unknown_task[\s\S]*cloudcode deploy/,
        );
      }
      assert.doesNotMatch((await run('nothing')).stderr, /folder of this server/);
    }));
});

describe('CLI: dev watches all that the build reads', { timeout: 240_000 }, () => {
  it('imports from outside, paths of tsconfig, .env and what the configuration imports, also after a build that failed for one of them', () =>
    inProject(
      {
        'cloudcode/task/index.ts':
          "import { shared } from '../../../lib/shared';\nimport { own } from '../../src/own.ts';\nimport { alias } from '@lib/alias';\nexport async function run() { return [shared, own, alias, process.env.A, process.env.B].join(' '); }",
        '../lib/shared.ts': "export const shared = 's1';",
        'src/own.ts': "export const own = 'o1';",
        '../lib/alias.ts': "export const alias = 'a1';",
        '../other/alias.ts': "export const alias = 'a2';",
        'tsconfig.json': '{ "extends": "../tsconfig.base.json" }',
        '../tsconfig.base.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }',
        '.env': 'A=1',
        '../lib/settings.ts': "export const B = '1';",
        'cloudcode.config.ts':
          "import { readFileSync } from 'node:fs';\nimport { B } from '../lib/settings';\nconst A = readFileSync(new URL('./.env', import.meta.url), 'utf8').trim().slice(2);\nexport default { environments: { testing: { variables: { A, B } } } };",
      },
      async ({ write, serve }) => {
        const dev = await serve('dev');
        const deployments = (): number => dev.stderr().match(/ deployed: /g)?.length ?? 0;
        for (const [path, text] of [
          ['../lib/shared.ts', "export const shared = 's2';"],
          ['src/own.ts', "export const own = 'o2';"],
          ['../tsconfig.base.json', '{ "compilerOptions": { "paths": { "@lib/*": ["./other/*"] } } }'],
          ['../other/alias.ts', "export const alias = 'a3';"],
          ['.env', 'A=2'],
          ['../lib/settings.ts', "export const B = '2';"],
        ] as const) {
          const before = deployments();
          write(path, text);
          await until(30_000, `${path} is deployed: ${dev.stderr()}`, () => (deployments() > before ? true : null));
        }
        const failures = (): number => dev.stderr().match(/not deployed/g)?.length ?? 0;
        write('../lib/shared.ts', "export { shared } from './missing';");
        await until(30_000, 'the missing file is told', () => (failures() === 1 ? true : null));
        const before = deployments();
        write('../lib/missing.ts', "export const shared = 's3';");
        await until(30_000, `the missing file is deployed: ${dev.stderr()}`, () =>
          deployments() > before ? true : null,
        );
      },
    ));

  const limited = ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_inotify_watches; exec "$0" "$@"'] as const;
  const canLimit = spawnSync('unshare', [...limited, 'true'], { stdio: 'ignore' }).status === 0;
  it(
    'without a watch left in the system it says so with the cure, and goes on',
    { skip: canLimit ? false : 'needs a user namespace of its own' },
    () =>
      inProject({ 'cloudcode/task/index.ts': returns('one') }, async ({ folder, write, resultIs }) => {
        // The database belongs to this user, whom the namespace hides: another holds it.
        await resultIs('one');
        const child = spawn(
          'unshare',
          [
            ...limited,
            process.execPath,
            join(packageRoot, 'bin/cloudcode.cjs'),
            'dev',
            '--port',
            '0',
            '--project',
            folder,
          ],
          { stdio: ['ignore', 'pipe', 'pipe'] },
        );
        try {
          let said = '';
          for (const stream of [child.stdout, child.stderr])
            stream.setEncoding('utf8').on('data', (text: string) => (said += text));
          await until(60_000, 'it watches by looking', () =>
            /every 500 ms.*ENOSPC.*sysctl fs\.inotify\.max_user_watches/.test(said)
              ? true
              : child.exitCode === null
                ? null
                : assert.fail(said),
          );
          assert.doesNotMatch(said, /\n {4}at /);
          write('cloudcode/task/index.ts', returns('two'));
          await until(30_000, 'the change is deployed', () => / deployed: 1 task\n/.test(said) || null);
        } finally {
          child.kill('SIGTERM');
          await new Promise((resolve) => (child.exitCode === null ? child.once('close', resolve) : resolve(null)));
        }
      }),
  );
});
