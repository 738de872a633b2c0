import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/package-root.ts';
import { buildProject, type BuiltProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { makeFolder } from './make-folder.ts';

const buildModule = pathToFileURL(join(packageRoot, 'src/project/build-project.ts')).href;

/** Asks again, for 8 s, until there is an answer: less than the 10 s after which a living parent would end the process. */
async function until<Answer>(ask: () => Promise<Answer | null>): Promise<Answer> {
  for (const deadline = Date.now() + 8000; Date.now() < deadline; await setTimeout(20)) {
    const answer = await ask();
    if (answer !== null) return answer;
  }
  throw new Error('There was no answer within 8 s.');
}

function configs(project: BuiltProject): Record<string, unknown> {
  return Object.fromEntries(project.tasks.map((task) => [task.name, task.config]));
}

describe('the config of a task', () => {
  after(endBundler);

  it('reads config from a literal, a computation, another file and CommonJS, without running what run needs', async (t) => {
    const run = 'export async function run() {}\n';
    const folder = await makeFolder(t, {
      'cloudcode/shared/limits.ts': 'export const config = { timeoutMs: Math.max(1, 7) };',
      'node_modules/harmful/index.js': 'process.exit(9);',
      'cloudcode/literal/index.ts': `${run}export const config = { timeoutMs: 5 * 60 * 1000, memoryMb: 512, maxAttempts: 1_0, workerStart: 'fork' };`,
      'cloudcode/empty/index.ts': `${run}export const config = {};`,
      'cloudcode/none/index.ts': run,
      'cloudcode/computed/index.ts': `${run}const shared = { memoryMb: 64 };\nexport const config = { ...shared, maxAttempts: undefined, timeoutMs: Number('30') };`,
      'cloudcode/again/index.ts': "export * from '../shared/limits.ts';\nexport { run } from '../literal/index.ts';",
      'cloudcode/harmless/index.ts':
        "import harmful from 'harmful';\nexport const run = () => harmful();\nexport const config = { maxAttempts: Number(2) };",
      'cloudcode/common/index.js': 'exports.run = async () => 1; exports.config = { memoryMb: 99 };',
    });
    assert.deepEqual(configs(await buildProject(folder)), {
      again: { timeoutMs: 7 },
      common: { memoryMb: 99 },
      computed: { memoryMb: 64, timeoutMs: 30 },
      empty: {},
      harmless: { maxAttempts: 2 },
      literal: { timeoutMs: 300_000, memoryMb: 512, maxAttempts: 10, workerStart: 'fork' },
      none: {},
    });
  });

  it('reads the config of a task whose package asks for others that need not be there, without running it, in ES modules and in CommonJS', async (t) => {
    const optional =
      "try { require('not-there'); } catch {}\nfunction find() { try { return require('@scope/not-there/include'); } catch { return null; } }\n";
    const folder = await makeFolder(t, {
      'node_modules/in-modules/package.json': '{ "name": "in-modules", "type": "module", "main": "index.js" }',
      'node_modules/in-modules/index.js': `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n${optional}process.exit(9);\nexport default find;`,
      'node_modules/in-common/index.js': `${optional}process.exit(9);\nmodule.exports = find;`,
      'cloudcode/modules/index.ts':
        "export const config = { maxAttempts: 1 };\nimport find from 'in-modules';\nexport const run = async () => find();",
      'cloudcode/common/index.ts':
        "export const config = { maxAttempts: Number(2) };\nimport find from 'in-common';\nexport const run = async () => find();",
    });
    assert.deepEqual(configs(await buildProject(folder)), { common: { maxAttempts: 2 }, modules: { maxAttempts: 1 } });
  });

  it('gives a task that is loaded for its config Day and Attachment, imported or global', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.js':
        'class Holiday extends Day {}\nconst day = new Holiday(2026, 3, 1);\nexports.run = () => day;\nexports.config = { maxAttempts: day.month };',
      'cloudcode/b/index.ts':
        "import { Attachment, Day } from 'cloudcode';\nconst file = new Attachment({ data: '12' });\nexport const run = () => 1;\nexport const config = { maxAttempts: file.size + new Day('2026-03-05').day };",
    });
    assert.deepEqual(configs(await buildProject(folder)), { a: { maxAttempts: 3 }, b: { maxAttempts: 7 } });
  });

  it('gives a task that is loaded for its config nothing of the environment but the harmless', async (t) => {
    process.env['CLOUDCODE_TEST_SECRET'] = '5';
    t.after(() => delete process.env['CLOUDCODE_TEST_SECRET']);
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts':
        'export const run = () => 1;\nexport const config = { maxAttempts: Number(process.env.CLOUDCODE_TEST_SECRET ?? 3) };',
    });
    assert.deepEqual(configs(await buildProject(folder)), { a: { maxAttempts: 3 } });
  });

  it('leaves no process behind when it is killed while a task that never gets done is loaded', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts':
        "import { writeFileSync } from 'node:fs';\nexport const run = () => 1;\nwriteFileSync('pid', String(process.pid));\nfor (;;);\nexport const config = { maxAttempts: Number(1) };",
    });
    const builder = spawn(
      process.execPath,
      ['-e', `import(${JSON.stringify(buildModule)}).then((module) => module.buildProject(${JSON.stringify(folder)}))`],
      { stdio: 'ignore' },
    );
    t.after(() => builder.kill('SIGKILL'));
    const pid = await until(async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '0')) || null);
    builder.kill('SIGKILL');
    await until(
      async () =>
        !existsSync(`/proc/${pid}`) ||
        /^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State: Z')) ||
        null,
    );
  });
});
