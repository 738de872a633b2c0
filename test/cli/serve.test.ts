import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { migratedDatabase, type TestDatabase } from '../support/postgres.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

interface Announcement {
  readonly url: string | null;
  readonly data: string;
  readonly database: string | null;
  readonly pid: number;
}

interface Sent {
  readonly id: string;
  readonly changed: boolean;
  readonly code: { readonly added: readonly { readonly name: string }[] };
  readonly packages: { readonly added: readonly { readonly name: string }[] };
  readonly files: { readonly added: readonly { readonly name: string }[] };
  readonly changes: {
    readonly tasks: {
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly { readonly task: string; readonly runs: number }[];
    };
    readonly data: { readonly steps: readonly string[]; readonly notices: readonly string[] };
  };
  readonly check: { readonly why: string | null; readonly unchecked: readonly string[] } | null;
  readonly cancelledRuns: number;
}

const project = {
  'package.json': '{ "name": "shop", "dependencies": { "greeting": "1.0.0" } }',
  'node_modules/greeting/package.json': '{ "name": "greeting", "version": "1.0.0", "main": "index.js" }',
  'node_modules/greeting/index.js': 'exports.greet = (name) => `hello ${name}`;',
  'cloudcode.config.ts':
    "export default { files: ['texts/*'], environments: { production: { variables: { PLACE: 'here' } } } };",
  'texts/a.txt': 'a text',
  'schema.xml': '<data-model><model name="item"><field name="name" type="text"/></model></data-model>',
  works: `import { greet } from 'greeting';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
export async function run({ name }: { name: string }) {
  const item = DB.item.create({ name });
  await item.save();
  const text = readFileSync(join(import.meta.dirname, '../../texts/a.txt'), 'utf8');
  return [greet(name), text, process.env.PLACE, (await DB.item.all().toArray()).length];
}`,
  later: 'export async function run() { return 1; }',
};

describe('CLI: serve, and deploy to it from elsewhere', { timeout: 300_000 }, () => {
  const servers: Started[] = [];
  const env = { CLOUDCODE_MASTER_KEY: randomBytes(32).toString('base64') };
  let database: TestDatabase;
  let folder = '';
  let nowhere = '';
  let url = '';
  const serve = async (...args: string[]): Promise<Announcement> => {
    const started = startCloudcode(['serve', '--json', '--database', database.url, ...args], { cwd: nowhere, env });
    servers.push(started);
    return JSON.parse((await started.says(/^\{.*\}$/m))[0]) as Announcement;
  };
  const command = (...args: string[]): ReturnType<typeof cloudcode> =>
    cloudcode([...args, '--project', folder, '--url', url, '--environment', 'production']);
  const deploy = async (...args: string[]): Promise<Sent> => {
    const done = await command('deploy', '--json', ...args);
    assert.equal(done.status, 0, done.stderr);
    return documentOf<Sent>(done);
  };
  const runOf = async (...args: string[]): Promise<Run> => documentOf<Run>(await command('run', '--json', ...args));
  const names = (added: readonly { readonly name: string }[]): readonly string[] =>
    added.map(({ name }) => name).sort();

  before(async () => {
    database = await migratedDatabase();
    folder = writeProject(project);
    nowhere = mkdtempSync(join(tmpdir(), 'cloudcode no project '));
    url = (await serve('--port', '0', '--no-runner', '--data', join(nowhere, 'server'))).url ?? '';
    // The one that works has no API, and shares nothing with the other but the database.
    const runner = await serve('--no-http', '--data', join(nowhere, 'runner'));
    assert.equal(runner.url, null);
  });
  after(async () => {
    for (const started of servers) await started[Symbol.asyncDispose]();
    await database.dispose();
    for (const place of [folder, nowhere]) rmSync(place, { recursive: true, force: true });
  });

  it('a dry run says what would change, sends nothing, and changes nothing', async () => {
    const { changes } = await deploy('--dry-run');
    assert.deepEqual(changes.tasks, { added: ['later', 'works'], changed: [], removed: [] });
    assert.deepEqual(changes.data.steps, ['adding schema cloudcode_production', 'adding table item']);
    const shown = await command('deploy', '--dry-run');
    assert.match(shown.stdout, /^Nothing was deployed\. To production it would be:\n {2}added {5}later, works\n/);
    const listed = documentOf<{ readonly deployments: readonly object[] }>(await command('deployments', '--json'));
    assert.deepEqual(listed.deployments, []);
    assert.match((await command('run', 'works')).stderr, /There is no task `works` in the environment `production`/);
  });

  it('code, packages, files, data model and variables of a project reach a runner on a machine without it', async () => {
    const sent = await deploy();
    assert.deepEqual([sent.id, sent.changed], ['1', true]);
    assert.deepEqual(names(sent.code.added), ['later', 'works']);
    assert.deepEqual([names(sent.packages.added), names(sent.files.added)], [['greeting@1.0.0'], ['files']]);
    rmSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(join(folder, 'texts/a.txt'), 'another text');
    const run = await runOf('works', '--parameters', '{ "name": "you" }');
    assert.deepEqual(run.result, ['hello you', 'a text', 'here', 1]);
  });

  it('only what is new is sent, and the same again is no deployment', async () => {
    for (const [path, text] of Object.entries(project)) if (path.includes('node_modules')) restore(folder, path, text);
    writeFileSync(join(folder, 'texts/a.txt'), 'a text');
    const same = await deploy();
    assert.deepEqual([same.changed, names(same.code.added), names(same.packages.added)], [false, [], []]);
    restore(folder, 'cloudcode/later/index.ts', 'export async function run() { return 2; }');
    const changed = await deploy();
    assert.deepEqual([changed.changed, names(changed.code.added), names(changed.files.added)], [true, ['later'], []]);
    assert.deepEqual(changed.changes.tasks.changed, ['later']);
  });

  it('a task that goes away: its waiting runs are counted, go on with its newest code, or are cancelled when that is asked for', async () => {
    await command('schedule', 'later', '--after', '3600000');
    await command('schedule', 'later', '--after', '3600000', '--queue', 'q');
    rmSync(join(folder, 'cloudcode/later'), { recursive: true });
    const plan = await deploy('--dry-run');
    assert.deepEqual(plan.changes.tasks.removed, [{ task: 'later', runs: 2 }]);
    const done = await command('deploy');
    assert.match(done.stdout, /removed {3}later: 2 unfinished runs of it are executed with its newest code/);
    restore(folder, 'cloudcode/later/index.ts', project.later);
    await deploy();
    rmSync(join(folder, 'cloudcode/later'), { recursive: true });
    const cancelled = await deploy('--cancel-removed');
    assert.equal(cancelled.cancelledRuns, 2);
    const { runs } = documentOf<{ readonly runs: readonly Run[] }>(await command('runs', '--json', '--task', 'later'));
    assert.deepEqual(
      runs.map(({ state }) => state),
      ['cancelled', 'cancelled'],
    );
  });

  it('an earlier deployment is brought back with its data model and variables; what that hides is told first, and is there again later', async () => {
    restore(
      folder,
      'schema.xml',
      '<data-model><model name="item"><field name="name" type="text"/><field name="colour" type="text"/></model></data-model>',
    );
    restore(
      folder,
      'cloudcode.config.ts',
      "export default { files: ['texts/*'], environments: { production: { variables: { PLACE: 'there' } } } };",
    );
    restore(
      folder,
      'cloudcode/works/index.ts',
      "export async function run() { const item = DB.item.create({ colour: 'red' }); await item.save(); return process.env.PLACE; }",
    );
    const newest = await deploy();
    assert.equal((await runOf('works')).result, 'there');
    const refused = await command('deployments', 'activate', '1');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /would hide data\. Nothing was changed\.[^]*item\.colour: 1 value is hidden/);
    assert.equal((await runOf('works')).result, 'there');
    const done = await command('deployments', 'activate', '1', '--yes');
    assert.match(done.stdout, /^production runs deployment 1 again \(as deployment \d+\)\n/, done.stderr);
    const run = await runOf('works', '--parameters', '{ "name": "me" }');
    assert.deepEqual([run.state, (run.result as readonly unknown[])[2]], ['succeeded', 'here']);
    const again = await command('deployments', 'activate', newest.id);
    assert.equal(again.status, 0, again.stderr);
    assert.equal((await runOf('works')).result, 'there');
    const { deployments } = documentOf<{
      readonly deployments: readonly { readonly restores: string | null; readonly active: boolean }[];
    }>(await command('deployments', '--json'));
    assert.deepEqual(
      deployments.slice(0, 2).map(({ restores, active }) => [restores, active]),
      [
        [newest.id, true],
        ['1', false],
      ],
    );
  });

  it('refuses in one line: an id of another environment, a nonsensical one, --no-http without a database, options of a project', async () => {
    const other = await cloudcode(['deployments', 'show', '1', '--url', url, '--environment', 'staging']);
    assert.deepEqual([other.status, /\(deployment_not_found\)/.test(other.stderr)], [2, true]);
    const none = await command('deployments', 'activate', 'latest');
    assert.match(
      none.stderr,
      /There is no deployment "latest" in the environment `production`\. \(deployment_not_found\)/,
    );
    const alone = await cloudcode(['serve', '--no-http'], { cwd: nowhere });
    assert.deepEqual([alone.status, /Name that of the server: --database/.test(alone.stderr)], [2, true]);
    const misspelt = await cloudcode(['serve', '--worker-start', 'frok'], { cwd: nowhere });
    assert.match(misspelt.stderr, /There are spawn and fork\./);
    const placed = await cloudcode(['serve', '--project', folder], { cwd: nowhere });
    assert.match(placed.stderr, /has no use for option '--project'/);
  });

  it('each task is loaded by a runner first: one that cannot be keeps all from being deployed, and says why', async () => {
    const broken = {
      throws: "throw new TypeError('no such key: ' + process.env.SECRET);\nexport async function run() {}",
      exits: 'process.exit(3);\nexport async function run() {}',
      none: 'export const run = process.env.NOT_THERE;',
    };
    await command('variables', 'set', 'SECRET', 'hush-hush', '--masked');
    for (const [name, text] of Object.entries(broken)) restore(folder, `cloudcode/${name}/index.ts`, text);
    const before = documentOf<object>(await command('deployments', '--json'));
    const refused = await command('deploy');
    assert.equal(refused.status, 2, refused.stdout);
    assert.match(refused.stderr, /3 tasks cannot be loaded where the runs are executed\. Nothing was deployed\./);
    assert.match(refused.stderr, /throws: TypeError: no such key: \*\*\*\n +at .*cloudcode\/throws\/index\.ts:1:/);
    assert.match(refused.stderr, /exits: its process ended while it was loaded \(exit code 3\)/);
    assert.match(refused.stderr, /none: TypeError: The task `none` does not export a function `run`\./);
    assert.doesNotMatch(refused.stderr, /hush/);
    assert.deepEqual(documentOf<object>(await command('deployments', '--json')), before);
    for (const name of Object.keys(broken)) rmSync(join(folder, 'cloudcode', name), { recursive: true });
  });

  it('what a task asks for while it loads is refused, changes nothing, and does not count against it', async () => {
    restore(
      folder,
      'cloudcode/asks/index.mts',
      "const made = DB.item.create({ name: 'from the check' });\nawait made.save();\nawait CloudCode.scheduleTask({ task: 'asks' });\nexport async function run() { return 'ran'; }",
    );
    const { check } = await deploy();
    assert.deepEqual([check?.why, check?.unchecked], [null, ['asks']]);
    const { runs } = documentOf<{ readonly runs: readonly Run[] }>(await command('runs', '--json', '--task', 'asks'));
    assert.deepEqual(runs, []);
    const found =
      "export async function run() { return (await DB.item.where('name = ?', 'from the check').toArray()).length; }";
    restore(folder, 'cloudcode/works/index.ts', found);
    rmSync(join(folder, 'cloudcode/asks'), { recursive: true });
    await deploy();
    assert.equal((await runOf('works')).result, 0);
  });

  it('without a runner it is deployed, and said that it was not checked', async () => {
    const runner = servers.find(({ stderr }) => /runner .* started/.test(stderr()));
    assert.ok(runner !== undefined);
    await runner[Symbol.asyncDispose]();
    servers.splice(servers.indexOf(runner), 1);
    restore(folder, 'cloudcode/later/index.ts', 'export async function run() { return 3; }');
    assert.match((await command('deploy')).stdout, /checked {3}no: no runner is there/);
    await serve('--no-http', '--data', join(nowhere, 'runner'));
    rmSync(join(folder, 'cloudcode/later'), { recursive: true });
  });

  it('a runner that stops does not wait for a task that does not come to load, and does not blame it', async () => {
    restore(
      folder,
      'cloudcode/stuck/index.mts',
      'setInterval(() => undefined, 1000);\nawait new Promise(() => undefined);\nexport async function run() {}',
    );
    await using store = await openStore({ url: database.url });
    const deploying = command('deploy');
    const text = 'select 1 from cloudcode.deployment_checks where touched_at is not null';
    await until(30_000, 'a runner is at it', async () => (await store.query({ name: '', text }))[0] ?? null);
    const runner = servers.find(({ stderr }) => /runner .* started/.test(stderr()));
    assert.ok(runner !== undefined);
    const startedAt = performance.now();
    await runner[Symbol.asyncDispose]();
    assert.ok(performance.now() - startedAt < 15_000, `it took ${performance.now() - startedAt} ms`);
    servers.splice(servers.indexOf(runner), 1);
    assert.match((await deploying).stdout, /checked {3}no: no runner began with it/);
    await serve('--no-http', '--data', join(nowhere, 'runner'));
    rmSync(join(folder, 'cloudcode/stuck'), { recursive: true });
  });

  it('a server that is restarted while parts are sent: the deployment goes on', async () => {
    const { port } = new URL(url);
    restore(
      folder,
      'cloudcode/large/index.ts',
      `export const text = '${'0123456789'.repeat(10_000)}';\nexport async function run() { return text.length; }`,
    );
    for (let index = 0; index < 30; index += 1)
      restore(folder, `cloudcode/t${index}/index.ts`, `export async function run() { return ${index}; }`);
    await using store = await openStore({ url: database.url });
    const text = 'select count(*)::integer as count from cloudcode.bundles';
    const stored = async (): Promise<number> =>
      (await store.query<{ count: number }>({ name: '', text }))[0]?.count ?? 0;
    const before = await stored();
    const deploying = command('deploy', '--json');
    await until(30_000, 'parts are being sent', async () => ((await stored()) > before ? true : null));
    const [server] = servers;
    assert.ok(server !== undefined);
    server.child.kill('SIGKILL');
    await server.ended;
    servers.shift();
    await serve('--port', port, '--no-runner', '--data', join(nowhere, 'server'));
    const sent = documentOf<Sent>(await deploying);
    assert.equal(sent.changes.tasks.added.length, 31);
    assert.equal((await runOf('large')).result, 100_000);
  });
});

function restore(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
