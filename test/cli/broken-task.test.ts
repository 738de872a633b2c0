import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, type Finished, startCloudcode, type Started } from './cloudcode.ts';

const returns = (value: string): string => `export async function run() { return '${value}'; }`;
const syntaxError = 'export async function run( {';

interface TasksBody {
  readonly tasks: readonly { readonly name: string }[];
  readonly broken: readonly {
    readonly name: string;
    readonly problem: { readonly code: string; readonly detail: string };
    readonly goesOn: { readonly deployedAt: string; readonly folder: string } | null;
  }[];
}

const writerOf =
  (folder: string) =>
  (task: string, text: string): void => {
    const path = join(folder, task.includes('.') ? task : `cloudcode/${task}/index.ts`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };

describe('CLI: one broken task does not stop the others: run without a server', { timeout: 240_000 }, () => {
  let folder = '';
  before(
    () =>
      (folder = writeProject({
        good: returns('one'),
        broken: returns('old'),
        'lib/value.ts': 'export const value = 1;',
      })),
  );
  after(() => rmSync(folder, { recursive: true, force: true }));
  // What a build is at is told where it takes more than a second, as on a loaded machine.
  const command = async (...args: string[]): Promise<Finished> => {
    const finished = await cloudcode([...args, '--project', folder]);
    return { ...finished, stderr: finished.stderr.replaceAll(/^.* …\n/gm, '') };
  };
  const resultOf = (finished: Finished): unknown => {
    assert.equal(finished.status, 0, finished.stderr);
    return documentOf<Run>(finished).result;
  };

  it('a good task runs as it stands, and the broken one is named with its error and what it goes on with', async () => {
    const write = writerOf(folder);
    assert.equal(resultOf(await command('run', 'broken', '--json')), 'old');
    write('broken', syntaxError);
    write('never', "import { missing } from './missing.ts';\nexport async function run() { return missing; }");
    write('good', returns('two'));
    const ran = await command('run', 'good', '--json');
    assert.equal(resultOf(ran), 'two');
    assert.match(
      ran.stderr,
      /^broken is broken: cloudcode\/broken\/index\.ts:1:\d+: .*\n.*\n.*\^\nbroken goes on with its last good code, deployed at \S+Z from .*\.\nnever is broken: cloudcode\/never\/index\.ts:1:25: Could not resolve "\.\/missing\.ts"/,
    );
    assert.match(ran.stderr, /never has never been good: it cannot be scheduled\.\n/);
  });

  it('the broken one itself is refused with its error, and nothing is scheduled', async () => {
    for (const [task, says] of [
      ['broken', /goes on with its last good code/],
      ['never', /there is no good code of it/],
    ] as const) {
      const refused = await command('run', task, '--json');
      assert.equal(refused.status, 2);
      assert.match(
        refused.stderr,
        new RegExp(
          `^error: cloudcode/${task}/index\\.ts:1:.*\\(task_broken\\)[\\s\\S]*Nothing was scheduled: the task as it stands is broken`,
        ),
      );
      assert.match(refused.stderr, says);
      assert.equal(documentOf<{ code: string }>(refused).code, 'task_broken');
      const { runs } = documentOf<{ runs: Run[] }>(await command('runs', '--task', task, '--json'));
      assert.deepEqual(
        runs.filter(({ state }) => state !== 'succeeded'),
        [],
      );
    }
  });

  it('schedule says that the old code is executed, and refuses what was never good', async () => {
    const scheduled = await command('schedule', 'broken', '--json');
    assert.equal(scheduled.status, 0, scheduled.stderr);
    assert.match(
      scheduled.stderr,
      /^broken is broken: cloudcode\/broken\/index\.ts:1:[\s\S]*broken goes on with its last good code/,
    );
    const refused = await command('schedule', 'never');
    assert.equal(refused.status, 2);
    assert.match(
      refused.stderr,
      /`never` cannot be run .*it has no code there that is good.*\(task_broken\)\n.*missing/,
    );
    const drained = await command('run', 'good', '--json', '--drain');
    assert.equal(drained.status, 0, drained.stderr);
    assert.equal(documentOf<Run>(await command('runs', 'show', documentOf<Run>(scheduled).id, '--json')).result, 'old');
  });

  it('a fixed task runs as it stands, a deleted one is gone', async () => {
    const write = writerOf(folder);
    write('broken', returns('fixed'));
    rmSync(join(folder, 'cloudcode/never'), { recursive: true });
    const ran = await command('run', 'broken', '--json');
    assert.deepEqual([resultOf(ran), ran.stderr], ['fixed', '']);
    assert.match((await command('schedule', 'never')).stderr, /no task `never`.*unknown_task/);
  });

  it('what every task depends on stops all: the data model, the configuration, a shared file that breaks all of them', async () => {
    const write = writerOf(folder);
    for (const [file, text, code] of [
      ['schema.xml', '<schema><nonsense/></schema>', 'invalid_data_model'],
      ['cloudcode.config.ts', 'export default { nonsense: 1 };', 'invalid_config'],
    ] as const) {
      write(file, text);
      const refused = await command('run', 'good', '--json');
      assert.deepEqual([refused.status, documentOf<{ code: string }>(refused).code], [2, code], refused.stderr);
      rmSync(join(folder, file));
    }
    for (const task of ['good', 'broken'])
      write(task, "import { value } from '../../lib/value.ts';\nexport async function run() { return value; }");
    write('lib/value.ts', 'export const value = ;');
    const refused = await command('run', 'good');
    assert.equal(refused.status, 2);
    assert.equal(refused.stderr.match(/lib\/value\.ts:1:/g)?.length, 1, 'it is told once');
    assert.equal(documentOf<Run>(await command('schedule', 'good', '--json')).task, 'good');
  });
});

describe('CLI: one broken task does not stop the others: dev', { timeout: 240_000 }, () => {
  let folder = '';
  let dev: Started;
  let base = '';
  before(async () => {
    folder = writeProject({
      good: returns('one'),
      broken: syntaxError,
      'lib/value.ts': "export const value = 'v1';",
      exits: 'module.exports.run = async () => 1; process.exit(3);',
      after: "module.exports.run = async () => 'after'; module.exports.config = { maxAttempts: 3 };",
      calls:
        "export async function run({ task }: { task: string }) { return CloudCode.scheduleTask({ task }).then(({ id }) => id, (error) => error.code + ': ' + error.message); }",
    });
    dev = startCloudcode(['dev', '--port', '0', '--project', folder]);
    const [url] = await dev.says(/http:\/\/127\.0\.0\.1:\d+/);
    await dev.says(/Ctrl-C stops it/);
    base = `${url}/api/v1/environments/testing`;
  });
  after(async () => {
    await dev[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (task: string, ...args: string[]): Promise<Finished> =>
    cloudcode(['run', task, '--json', ...args, '--project', folder]);
  const tasks = async (): Promise<TasksBody> => (await (await fetch(`${base}/tasks`)).json()) as TasksBody;
  const schedule = async (task: string): Promise<Response> =>
    fetch(`${base}/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task }),
    });

  it('the first build deploys what is good: also a task after one whose exports end the process that reads them', async () => {
    assert.match(dev.stderr(), /deployed: 3 tasks\n/);
    assert.match(
      dev.stderr(),
      /broken is broken: cloudcode\/broken\/index\.ts:1:[\s\S]*broken has never been good: it cannot be scheduled\./,
    );
    assert.match(
      dev.stderr(),
      /exits is broken: cloudcode\/exits\/index\.ts: its exports could not be read: the process ended with exit code 3/,
    );
    const { tasks: deployed, broken } = await tasks();
    assert.deepEqual(
      deployed.map(({ name }) => name),
      ['after', 'calls', 'good'],
    );
    assert.deepEqual(
      broken.map(({ name, problem, goesOn }) => [name, problem.code, goesOn]),
      [
        ['broken', 'task_broken', null],
        ['exits', 'task_broken', null],
      ],
    );
    const ran = await run('after');
    assert.deepEqual([documentOf<Run>(ran).result, documentOf<Run>(ran).maxAttempts], ['after', 3]);
  });

  it('what was never good is not scheduled: over HTTP, and from a task', async () => {
    const refused = await schedule('broken');
    assert.equal(refused.status, 422);
    assert.match(
      JSON.stringify(await refused.json()),
      /task_broken.*has no code there that is good.*broken\/index\.ts:1:/,
    );
    assert.match(
      String(documentOf<Run>(await run('calls', '--parameters', '{"task":"broken"}')).result),
      /^task_broken: .*no code there that is good/,
    );
    assert.match((await run('broken')).stderr, /task_broken[\s\S]*there is no good code of it/);
  });

  it('a task that was good goes on with its last good code, which is said of each attempt and in lists, through further saves', async () => {
    const write = writerOf(folder);
    write('broken', returns('good once'));
    await dev.says(/no longer broken: broken\n/);
    assert.equal(documentOf<Run>(await run('broken')).result, 'good once');
    write('broken', syntaxError);
    await dev.says(/broken goes on with its last good code, deployed at/);
    const [first] = (await tasks()).broken;
    assert.deepEqual([first?.name, first?.goesOn?.folder], ['broken', folder]);
    write('good', returns('two'));
    assert.equal(documentOf<Run>(await run('good')).result, 'two');
    assert.deepEqual((await tasks()).broken[0], first, 'it is still the code of the same deployment');
    const { id } = (await (await schedule('broken')).json()) as Run;
    await dev.says(
      new RegExp(
        `broken ${id} attempt 1 started \\(pid \\d+\\), with its code of ${first?.goesOn?.deployedAt ?? ''}: as it stands it is broken`,
      ),
    );
    await until(30_000, 'its run is finished', async () =>
      ((await (await fetch(`${base}/runs/${id}`)).json()) as Run).result === 'good once' ? true : null,
    );
    assert.match((await run('broken')).stderr, /task_broken[\s\S]*goes on with its last good code, deployed at/);
  });

  it('a name that is taken or that no task can have, a pattern that matches nothing, a config that is not valid: each is named, and the others are deployed', async () => {
    const write = writerOf(folder);
    write('twice', returns('once'));
    write('patterns', returns('all'));
    assert.equal(documentOf<Run>(await run('twice')).result, 'once');
    assert.equal(documentOf<Run>(await run('patterns')).result, 'all');
    write('cloudcode/twice/index.js', returns('two'));
    write('patterns', `${returns('none')}\nexport const config = { files: ['none/*'] };`);
    write('cloudcode/no name/index.ts', returns(''));
    write('settings', `${returns('')}\nexport const config = { timeout: 1 };`);
    write('good', returns('three'));
    assert.equal(documentOf<Run>(await run('good')).result, 'three');
    const known = ['broken', 'exits'];
    const broken = (await tasks()).broken.filter(({ name }) => !known.includes(name));
    assert.deepEqual(
      broken.map(({ name, problem, goesOn }) => [name, problem.code, goesOn !== null]),
      [
        ['no name', 'invalid_task', false],
        ['patterns', 'invalid_task_config', true],
        ['settings', 'invalid_task_config', false],
        ['twice', 'task_name_clash', true],
      ],
    );
    assert.match(
      dev.stderr(),
      /no name is broken: cloudcode\/no name: "no name" cannot be the name of a task[^]*no name has never been good: it cannot be scheduled\./,
    );
    for (const [task, result] of [
      ['twice', 'once'],
      ['patterns', 'all'],
    ] as const) {
      const { id } = (await (await schedule(task)).json()) as Run;
      await dev.says(
        new RegExp(`${task} ${id} attempt 1 started \\(pid \\d+\\), with its code of \\S+: as it stands it is broken`),
      );
      await until(30_000, 'its run is finished', async () =>
        ((await (await fetch(`${base}/runs/${id}`)).json()) as Run).result === result ? true : null,
      );
    }
    assert.match((await run('twice')).stderr, /task_name_clash[\s\S]*goes on with its last good code, deployed at/);
    for (const path of ['cloudcode/twice/index.js', 'cloudcode/no name', 'cloudcode/settings'])
      rmSync(join(folder, path), { recursive: true });
    write('patterns', returns('fixed'));
    assert.deepEqual(
      [documentOf<Run>(await run('twice')).result, documentOf<Run>(await run('patterns')).result],
      ['once', 'fixed'],
    );
  });

  it('start and deploy refuse all of it, with every error', async () => {
    for (const args of [['deploy'], ['start', '--port', '0']]) {
      const refused = await cloudcode([...args, '--project', folder]);
      assert.equal(refused.status, 2);
      assert.match(refused.stderr, /2 things are wrong[\s\S]*broken\/index\.ts:1:[\s\S]*exits\/index\.ts: its exports/);
    }
  });
});

describe('CLI: broken tasks of two developers who share a database', { timeout: 240_000 }, () => {
  it('each keeps what the environment has, and it is said whose code that is', async () => {
    const [mine, hers] = [
      writeProject({ a: returns('mine'), b: returns('mine') }),
      writeProject({ a: returns('hers'), b: returns('hers') }),
    ];
    const database = await testDatabaseUrl();
    try {
      assert.equal((await cloudcode(['deploy', '--database', database.url, '--project', hers])).status, 0);
      writerOf(mine)('b', syntaxError);
      await using dev = startCloudcode(['dev', '--port', '0', '--database', database.url, '--project', mine]);
      await dev.says(/Ctrl-C stops it/);
      assert.match(dev.stderr(), new RegExp(`b goes on with its last good code, deployed at \\S+ from ${hers}\\.`));
      const scheduled = documentOf<Run>(await cloudcode(['schedule', 'b', '--json', '--project', mine]));
      await dev.says(new RegExp(`b ${scheduled.id} attempt 1 returned`));
      assert.equal(
        documentOf<Run>(await cloudcode(['runs', 'show', scheduled.id, '--json', '--project', mine])).result,
        'hers',
      );
    } finally {
      await database.dispose();
      for (const folder of [mine, hers]) rmSync(folder, { recursive: true, force: true });
    }
  });
});
