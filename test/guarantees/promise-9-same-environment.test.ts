import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { deployable } from '../../src/main/deployable.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { startRuntime, type Runtime, until, writeProject } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  environ: `export async function run() { return { env: process.env, cwd: process.cwd(), argv: process.execArgv }; }`,
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
  schedules: `export async function run({ options }: { options: any }) {
    if (options.at) options.at = new Date(options.at);
    return CloudCode.scheduleTask(options);
  }`,
};

let runtime: Runtime;
before(async () => {
  process.env['SECRET_OF_THE_RUNNER'] = 'hush';
  runtime = await startRuntime(
    {
      ...tasks,
      'cloudcode.config.ts': `export default { environments: { testing: { variables: { GREETING: 'hi' } } } };`,
    },
    { concurrency: 6 },
  );
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('the worker sees the variables of its environment and nothing of the runner’s own', async () => {
  const run = await runtime.run('environ');
  const { env, cwd } = run.result as { env: Record<string, string>; cwd: string };
  assert.equal(env['GREETING'], 'hi');
  assert.equal(env['SECRET_OF_THE_RUNNER'], undefined);
  assert.doesNotMatch(JSON.stringify(env), /postgres:/);
  assert.equal(cwd, runtime.folder);
  const allowed = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'LANG',
    'LC_ALL',
    'LC_CTYPE',
    'TZ',
    'TMPDIR',
    'CLOUDCODE_RUNNER',
    'CLOUDCODE_ATTEMPT',
    'GREETING',
  ];
  assert.deepEqual(
    Object.keys(env).filter((name) => !allowed.includes(name)),
    [],
  );
});

test('promise 9: what a run schedules runs in its own environment, by the tasks and variables of that environment', async () => {
  const folder = writeProject({
    echo: `export async function run() { return ['staging', process.env['GREETING'] ?? null]; }`,
    schedules: tasks['schedules'] ?? '',
    only_here: `export async function run() {}`,
  });
  await deployProject(runtime.store, 'staging', deployable(await buildProject(folder, { extension: dataInProject })));
  const run = await scheduleRun(runtime.store, 'staging', {
    task: 'schedules',
    parameters: { options: { task: 'echo' } },
  });
  const ended = await until(10_000, 'it is over', async () => {
    const now = await getRun(runtime.store, 'staging', run.id);
    return now.state === 'succeeded' ? now : null;
  });
  const scheduled = await until(10_000, 'the other is over', async () => {
    const now = await getRun(runtime.store, 'staging', (ended.result as { id: string }).id);
    return now.state === 'succeeded' ? now : null;
  });
  assert.equal(scheduled.environment, 'staging');
  assert.deepEqual(scheduled.result, ['staging', null]);
  await assert.rejects(getRun(runtime.store, 'testing', run.id), { code: 'run_not_found' });
  await assert.rejects(scheduleRun(runtime.store, 'testing', { task: 'only_here' }), { code: 'unknown_task' });
  assert.ok(!(await listRuns(runtime.store, 'testing', {})).runs.some((each) => each.id === run.id));
});
