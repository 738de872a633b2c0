import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isFinal, type Run } from '../../../src/engine/core/run.ts';
import {
  type DeployableProject,
  type DeployableTask,
  deployProject,
} from '../../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { type Runner, startRunner } from '../../../src/engine/runner/start-runner.ts';
import { keptFolder, packageTree, writeFiles } from '../../support/kept-folders.ts';
import { until } from '../../support/runtime.ts';
import { testStore, type TestStore } from '../../support/store.ts';

/** What is written where the packages and the files should be. */
const code = `
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
exports.run = async () => ({
  greeting: require('../../node_modules/greeter/index.js').greet('you'),
  template: readFileSync(join(__dirname, 'template.txt'), 'utf8'),
  same: require('../../node_modules/words/index.js') === require('../../node_modules/greeter/index.js').words,
  tool: require('node:child_process').execFileSync(join(__dirname, '../../node_modules/greeter/tool.sh'), { encoding: 'utf8' }),
  cwd: process.cwd(),
});
`;
const task: DeployableTask = {
  name: 'greets',
  config: { maxAttempts: 2 },
  code,
  sourceMap: '{}',
  format: 'cjs',
  file: 'cloudcode/greets/index.ts',
};

/** A project with two packages, one of which needs the other, and a template. */
function writeProjectIn(folder: string, template: string): void {
  writeFiles(folder, {
    'node_modules/greeter/index.js':
      "exports.words = require('words');\nexports.greet = (whom) => `${exports.words.hello} ${whom}`;",
    'node_modules/greeter/package.json': '{ "name": "greeter", "version": "1.0.0" }',
    'node_modules/greeter/tool.sh': '#!/bin/sh\nprintf tool',
    'node_modules/words/index.js': "exports.hello = 'Hello';",
    'node_modules/words/large.bin': Buffer.alloc(3_000_000, 'words '),
    'cloudcode/greets/template.txt': template,
  });
  chmodSync(join(folder, 'node_modules/greeter/tool.sh'), 0o755);
}

function projectOf(folder: string): DeployableProject {
  const folders = {
    'node_modules/greeter': keptFolder(join(folder, 'node_modules/greeter'), 'greeter@1.0.0'),
    'node_modules/words': keptFolder(join(folder, 'node_modules/words'), 'words@1.0.0'),
  };
  const packages = { tree: packageTree(folders), folders: Object.values(folders), projectPath: '' };
  return { folder, tasks: [task], config: {}, packages, files: keptFolder(folder, 'files', 'cloudcode') };
}

describe('a run has the packages and files that its deployment was made with', { timeout: 240_000 }, () => {
  let t: TestStore;
  let scratch: string;
  const runners: Runner[] = [];
  beforeEach(async () => {
    t = await testStore();
    scratch = mkdtempSync(join(tmpdir(), 'cloudcode-test contents-'));
  });
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.stop({ drainMs: 0 })));
    await t[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const folderOf = (name: string): string => {
    mkdirSync(join(scratch, name), { recursive: true });
    return join(scratch, name);
  };
  const deploy = async (template = 'Dear'): Promise<void> => {
    const folder = folderOf('project');
    writeProjectIn(folder, template);
    await deployProject(t.store, 'testing', projectOf(folder));
  };
  /** On a machine that has nothing of the project. */
  const start = async (machine = 'machine'): Promise<Runner> => {
    const runner = await startRunner({
      store: t.store,
      folder: null,
      machineFolder: folderOf(machine),
      concurrency: 2,
    });
    runners.push(runner);
    return runner;
  };
  const run = async (): Promise<Run> => {
    const { id } = await scheduleRun(t.store, 'testing', { task: 'greets' });
    return until(60_000, 'the run is finished', async () => {
      const now = await getRun(t.store, 'testing', id);
      return isFinal(now.state) ? now : null;
    });
  };
  const resultOf = async (): Promise<Record<string, unknown>> => {
    const ended = await run();
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended));
    assert.equal(ended.attempts.length, 1);
    return ended.result as Record<string, unknown>;
  };
  const whole = { greeting: 'Hello you', template: 'Dear', same: true, tool: 'tool' };
  const machineFile = (pattern: string): string => {
    const [found] = globSync(pattern, { cwd: join(scratch, 'machine') });
    assert.ok(found !== undefined, `${pattern} in ${readdirSync(join(scratch, 'machine')).join(', ')}`);
    return join(scratch, 'machine', found);
  };

  it('on a second machine, with another path and no folder of the project, after the first one has lost its packages', async () => {
    await deploy();
    rmSync(join(scratch, 'project'), { recursive: true });
    await start();
    const { cwd, ...result } = await resultOf();
    assert.deepEqual(result, whole);
    assert.match(String(cwd), /machine\/deployments\/[0-9a-f]{64}$/);
  });

  it('where the project is: its folder is the working directory, and an edited template or package counts from the next deployment on', async () => {
    await deploy();
    await start();
    const { cwd, ...result } = await resultOf();
    assert.deepEqual([result, cwd], [whole, folderOf('project')]);
    writeFiles(folderOf('project'), {
      'cloudcode/greets/template.txt': 'Hi',
      'node_modules/words/index.js': "exports.hello = 'Bye';",
    });
    assert.deepEqual(await resultOf(), { ...whole, cwd });
    await deployProject(t.store, 'testing', projectOf(folderOf('project')));
    assert.deepEqual(await resultOf(), { ...whole, cwd, template: 'Hi', greeting: 'Bye you' });
  });

  it('the files of a linked package lie where the project has them, also after they were lost', async () => {
    const folder = folderOf('workspace');
    writeFiles(folder, { 'packages/lib/src/words.txt': 'words', 'apps/jobs/cloudcode/greets/note.txt': 'note' });
    const reads = `const { readFileSync } = require('node:fs'); const { join } = require('node:path');
      exports.run = () => ['note.txt', '../../../../packages/lib/src/words.txt'].map((path) => readFileSync(join(__dirname, path), 'utf8'));`;
    const folders = { 'packages/lib': keptFolder(join(folder, 'packages/lib'), 'lib@1.0.0') };
    await deployProject(t.store, 'testing', {
      folder: join(folder, 'apps/jobs'),
      tasks: [{ ...task, code: reads }],
      config: {},
      files: keptFolder(join(folder, 'apps/jobs'), 'files', 'cloudcode'),
      packages: { tree: packageTree(folders), folders: Object.values(folders), projectPath: 'apps/jobs' },
    });
    rmSync(folder, { recursive: true });
    await start();
    assert.deepEqual(await resultOf(), ['note', 'words']);
    rmSync(join(scratch, 'machine/deployments'), { recursive: true });
    assert.deepEqual(await resultOf(), ['note', 'words']);
  });

  it('a runner that finds them damaged at its start writes them again', async () => {
    await deploy();
    const first = await start();
    await resultOf();
    await first.stop();
    rmSync(machineFile('packages/*/node_modules/greeter/index.js'));
    truncateSync(machineFile('packages/*/node_modules/words/large.bin'), 10);
    rmSync(machineFile('deployments/*/node_modules'));
    const template = machineFile('deployments/*/cloudcode/greets/template.txt');
    rmSync(template);
    mkdirSync(template);
    await start();
    const { cwd: _cwd, ...result } = await resultOf();
    assert.deepEqual(result, whole);
    assert.equal(readFileSync(machineFile('packages/*/node_modules/words/large.bin')).length, 3_000_000);
  });

  it('what an attempt kept of a damaged package is not used once that is put right', async () => {
    await deploy();
    const first = await start();
    for (const _ of ['laid out', 'looked at']) await resultOf();
    writeFileSync(
      machineFile('packages/*/node_modules/words/index.js'),
      `exports.hello = 'Damaged'; /* ${'x'.repeat(120_000)} */`,
    );
    for (const _ of [1, 2]) assert.equal((await resultOf())['greeting'], 'Damaged you');
    await first.stop();
    assert.equal(globSync('**/*.pack', { cwd: join(scratch, 'machine') }).length, 1);
    await start();
    assert.equal((await resultOf())['greeting'], 'Hello you');
  });

  for (const lost of ['packages', 'deployments', 'contents', '']) {
    it(`${lost === '' ? 'everything' : lost} of its machine that was removed while the runner runs is written again`, async () => {
      await deploy();
      await start();
      await resultOf();
      for (const name of lost === ''
        ? readdirSync(join(scratch, 'machine')).filter((each) => each !== 'fork-server')
        : [lost])
        rmSync(join(scratch, 'machine', name), { recursive: true });
      const { cwd: _cwd, ...result } = await resultOf();
      assert.deepEqual(result, whole);
    });
  }

  it('two runners that lay them out in one folder at once do not disturb each other, and leave nothing behind', async () => {
    await deploy();
    await Promise.all([start(), start()]);
    const results = await Promise.all(Array.from({ length: 8 }, resultOf));
    for (const { cwd: _cwd, ...result } of results) assert.deepEqual(result, whole);
    assert.deepEqual(globSync('*/*.tmp', { cwd: join(scratch, 'machine') }), []);
    assert.deepEqual(
      readdirSync(machineFile('deployments/*/cloudcode/greets')).filter((name) => !name.endsWith('.cjs')),
      ['template.txt'],
    );
  });

  it('a file where the machine would put them is a trouble of the machine, and costs no attempt', async () => {
    await deploy();
    writeFileSync(join(folderOf('machine'), 'packages'), '');
    await start();
    const { id } = await scheduleRun(t.store, 'testing', { task: 'greets' });
    await until(60_000, 'it was tried', async () =>
      (await getRun(t.store, 'testing', id)).attempts.some(({ outcome }) => outcome === 'lost') ? true : null,
    );
    rmSync(join(folderOf('machine'), 'packages'));
    const ended = await until(60_000, 'the run is finished', async () => {
      const now = await getRun(t.store, 'testing', id);
      return isFinal(now.state) ? now : null;
    });
    assert.equal(ended.state, 'succeeded');
    const [row] = await t.store.query<{ used: number }>({
      name: '',
      text: 'select max_attempts - (attempt_limit - attempt_count) as used from cloudcode.runs',
    });
    assert.equal(row?.used, 1);
  });

  it('packages that the database has otherwise than they were deployed are told, and tried no further than the task says', async () => {
    await deploy();
    await t.store.query({
      name: '',
      text: "update cloudcode.content_parts set data = set_byte(data, length(data) / 2, get_byte(data, length(data) / 2) # 1) where upload_id = (select upload_id from cloudcode.contents where name = 'words@1.0.0')",
    });
    await start();
    const ended = await run();
    assert.equal(ended.state, 'dead');
    assert.match(ended.error?.message ?? '', /The files of words@1\.0\.0 \([0-9a-f]{64}\) in the database are /);
    assert.equal(
      existsSync(join(scratch, 'machine/contents')) &&
        globSync('contents/*.tmp', { cwd: join(scratch, 'machine') }).length > 0,
      false,
    );
  });
});
