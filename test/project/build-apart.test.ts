import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { packageRoot } from '../../src/package-root.ts';
import { buildApart } from '../../src/project/build-process/build-apart.ts';
import { buildProject, type BuiltTask } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { isAlive, listPids, readEnviron, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { fillDescriptors } from '../support/fill-descriptors.ts';
import { until } from '../support/runtime.ts';
import { readBundleText } from '../../src/contents/stored-bundle.ts';
import { makeFolder, writeFiles } from './make-folder.ts';

const good = 'export const run = () => 1;';

/** A configuration that says where it is, with the processes that it has started, and never ends. */
const endless = `import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
const child = spawn('sleep', ['300'], { stdio: 'ignore' });
writeFileSync('begun.part', JSON.stringify([process.pid, child.pid]));
renameSync('begun.part', 'begun');
for (;;);`;

async function endlessProject(t: TestContext, config = endless): Promise<string> {
  const folder = await makeFolder(t, { 'cloudcode/a/index.ts': good });
  await writeFiles(folder, { 'cloudcode.config.ts': config.replaceAll("'begun", `'${folder}/begun`) });
  return folder;
}

async function pidsOf(folder: string): Promise<readonly number[]> {
  await until(60_000, 'the configuration runs', () => existsSync(join(folder, 'begun')) || null);
  return JSON.parse(readFileSync(join(folder, 'begun'), 'utf8')) as number[];
}

const areGone = (pids: readonly number[]): Promise<true> =>
  until(20_000, `${pids.join(', ')} are gone`, () => pids.every((pid) => !isAlive(readStat(pid))) || null);

/** Whether it is held in memory or in a file is for nobody to see. */
async function withText(task: BuiltTask): Promise<unknown> {
  const { path: _path, bytes: _bytes, ...rest } = { path: '', bytes: 0, ...task };
  return { ...rest, ...(await readBundleText(task)) };
}

describe('a build in a process of its own', () => {
  after(endBundler);

  it('comes to the same as one in this process: bundles of megabytes, with any characters', async (t) => {
    const folder = await makeFolder(t, {
      'package.json': '{ "name": "ä project" }',
      'schema.xml':
        '<data-model><model name="asset" label="Güter"><field name="make" label="Make" type="text:name"/></model></data-model>',
      'cloudcode.config.ts':
        "export default { concurrency: 3, environments: { testing: { variables: { A: 'ö\\u2028' } } } };",
      'cloudcode/a/index.ts': `import text from './text.txt';\nexport const config = { timeoutMs: 5 };\nexport const run = () => [text, 'ß🙂'];`,
      'cloudcode/a/text.txt': 'é🙂x'.repeat(2_000_000),
      'cloudcode/b/index.ts': good,
      'cloudcode/c/index.ts': `await 1;\n${good}`,
    });
    const [apart, here] = [await buildApart(folder), await buildProject(folder, { extension: dataInProject })];
    assert.deepEqual({ ...apart, tasks: [] }, { ...here, tasks: [] });
    assert.deepEqual(await Promise.all(apart?.tasks.map(withText) ?? []), await Promise.all(here.tasks.map(withText)));
  });

  it('what is wrong with the sources is told in the same words', async (t) => {
    for (const files of [
      { 'cloudcode/a/index.ts': 'broken(' },
      { 'cloudcode/a/index.ts': good, 'cloudcode.config.ts': 'export default { concurrency: -1 }' },
      { 'README.md': '' },
    ]) {
      const folder = await makeFolder(t, files);
      const refusals = await Promise.all(
        [buildApart, buildProject].map((build) => build(folder).catch((error: unknown) => error)),
      );
      const [apart, here] = refusals.map((error) =>
        error instanceof CloudCodeError ? { code: error.code, message: error.message, hint: error.hint } : error,
      );
      assert.deepEqual(apart, here);
    }
  });

  it('is ended by a signal, and with it all that it has started', async (t) => {
    const folder = await endlessProject(t);
    const ending = new AbortController();
    const building = buildApart(folder, { signal: ending.signal });
    const pids = await pidsOf(folder);
    ending.abort();
    assert.equal(await building, null);
    await areGone(pids);
    assert.equal(await buildApart(folder, { signal: ending.signal }), null, 'nor does one begin afterwards');
  });

  for (const [name, config] of [
    ['a loop', endless],
    [
      'a promise',
      `${endless.replace('for (;;);', '')}\nsetInterval(() => undefined, 1000);\nawait new Promise(() => undefined);`,
    ],
  ] as const) {
    it(`is ended after 60 s without progress, and says where it was: ${name} that never ends`, async (t) => {
      const folder = await endlessProject(t, config);
      t.mock.timers.enable({ apis: ['setInterval'] });
      let isOver = false;
      const building = buildApart(folder)
        .catch((error: unknown) => error)
        .finally(() => (isOver = true));
      const pids = await pidsOf(folder);
      while (!isOver) {
        t.mock.timers.tick(1000);
        await sleep(5);
      }
      const error = await building;
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.equal(error.code, 'build_failed');
      assert.equal(
        error.message,
        'The build made no progress for 60 s and was ended, while running cloudcode.config.ts.',
      );
      await areGone(pids);
    });
  }

  it('a configuration that ends its process ends no other', async (t) => {
    const folder = await makeFolder(t, { 'cloudcode/a/index.ts': good, 'cloudcode.config.ts': 'process.exit(3);' });
    await assert.rejects(buildApart(folder), {
      code: 'build_failed',
      message: 'The build ended with exit code 3, while running cloudcode.config.ts.',
    });
  });

  it('ends by itself when the process that asked for it is killed', async (t) => {
    const folder = await endlessProject(t);
    const url = pathToFileURL(join(packageRoot, 'src/project/build-process/build-apart.ts')).href;
    const source = `const { buildApart } = await import(${JSON.stringify(url)}); await buildApart(${JSON.stringify(folder)});`;
    const parent = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', source], { stdio: 'ignore' });
    const pids = await pidsOf(folder);
    parent.kill('SIGKILL');
    await once(parent, 'close');
    await areGone(pids);
  });

  it('leaves no process behind', async (t) => {
    const folder = await makeFolder(t, { 'cloudcode/a/index.ts': good });
    process.env['CLOUDCODE_TEST_BUILD'] = folder;
    t.after(() => delete process.env['CLOUDCODE_TEST_BUILD']);
    await buildApart(folder);
    const mark = `CLOUDCODE_TEST_BUILD=${folder}`;
    await until(
      20_000,
      'all its processes are gone',
      () =>
        !listPids().some(
          (pid) => pid !== process.pid && isAlive(readStat(pid)) && (readEnviron(pid) ?? '').includes(mark),
        ) || null,
    );
  });

  it('a machine that has no file left for it is told of', async (t) => {
    const folder = await makeFolder(t, { 'cloudcode/a/index.ts': good });
    const close = fillDescriptors();
    const error = await buildApart(folder)
      .catch((thrown: unknown) => thrown)
      .finally(close);
    assert.ok(error instanceof CloudCodeError, String(error));
    assert.equal(error.code, 'build_failed');
    assert.match(error.message, /could not be started/);
  });
});
