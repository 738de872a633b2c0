import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

/** What stripping types alone would not run: an enum, an import without an ending, paths of the tsconfig, a package. */
const beside = {
  'tsconfig.json': '{ "compilerOptions": { "paths": { "#shared/*": ["./cloudcode/shared/*"] } } }',
  'node_modules/common/package.json': '{ "name": "common", "version": "1.0.0" }',
  'node_modules/common/index.js': "module.exports = { value: 'of a package' };",
  'cloudcode/shared/kind.ts': "export enum Kind { One = 'one' }",
  'cloudcode/shared/other.ts': "export const other = 'other';",
};
const imports =
  "import { Kind } from '../shared/kind';\nimport { other } from '#shared/other';\nimport common from 'common';\nconst answer: string[] = [Kind.One, other, common.value, import.meta.filename.split('/').at(-1)!];\n";
const thread = `import { parentPort } from 'node:worker_threads';\n${imports}parentPort!.postMessage(answer);`;
const child = `${imports}process.send!(answer);\nprocess.disconnect();`;
const ask = (start: string): string =>
  `import { once } from 'node:events';\nimport { fork } from 'node:child_process';\nimport { dirname, join } from 'node:path';\nimport { Worker } from 'node:worker_threads';\nexport const run = async () => {\n  const other = ${start};\n  const [answer] = await once(other, 'message');\n  return answer;\n};`;

async function run(t: TestContext, files: Readonly<Record<string, string>>): Promise<unknown> {
  const { result, stack } = await runBundle(
    await layOut(t, await buildProject(await makeFolder(t, { ...beside, ...files }))),
    'a',
  );
  assert.equal(stack, undefined);
  return result;
}

describe(
  'files of threads and child processes are built as the task is, in the place of their sources',
  { concurrency: true },
  () => {
    after(endBundler);
    const ways = [
      {
        name: 'new URL',
        start: "new Worker(new URL('./thread.ts', import.meta.url))",
        file: 'cloudcode/a/thread.ts',
        text: thread,
      },
      {
        name: 'new URL, by the name of what TypeScript makes of it',
        start: "new Worker(new URL('./thread.js', import.meta.url))",
        file: 'cloudcode/a/thread.ts',
        text: thread,
      },
      {
        name: 'a path from the working directory',
        start: "new Worker('./cloudcode/a/thread.mts')",
        file: 'cloudcode/a/thread.mts',
        text: thread,
      },
      { name: 'fork', start: "fork(join(import.meta.dirname, 'child.ts'))", file: 'cloudcode/a/child.ts', text: child },
    ] as const;
    for (const way of ways) {
      for (const [type, more] of [
        ['', {}],
        [' of ES modules', { 'package.json': '{ "type": "module" }' }],
      ] as const) {
        it(`${way.name}, in a package${type}`, async (t) => {
          const answer = await run(t, { ...more, 'cloudcode/a/index.ts': ask(way.start), [way.file]: way.text });
          assert.deepEqual(answer, ['one', 'other', 'of a package', way.file.split('/').at(-1)]);
        });
      }
    }

    it('one that starts another', async (t) => {
      const files = {
        'cloudcode/a/index.ts': ask("new Worker(new URL('./thread.ts', import.meta.url))"),
        'cloudcode/a/thread.ts':
          "import { parentPort, Worker } from 'node:worker_threads';\nnew Worker(new URL('../shared/inner.ts', import.meta.url)).once('message', (value) => parentPort!.postMessage(value));",
        'cloudcode/shared/inner.ts':
          "import { parentPort } from 'node:worker_threads';\nimport { Kind } from './kind';\nparentPort!.postMessage(Kind.One);",
      };
      assert.equal(await run(t, files), 'one');
    });

    const throwing =
      '// a line\nenum Kind { One }\n\nexport function fail(): never {\n  throw new Error(`failed ${Kind.One}`);\n}';
    for (const [type, more] of [
      ['CommonJS', {}],
      ['an ES module', { 'package.json': '{ "type": "module" }' }],
    ] as const) {
      it(`stacks of a thread and of a process name the places of their sources: ${type}`, async (t) => {
        const result = await run(t, {
          ...more,
          'cloudcode/shared/fail.ts': throwing,
          'cloudcode/a/thread.ts':
            "import { fail } from '../shared/fail';\ntype Unused = string;\nsetImmediate(() => fail());",
          'cloudcode/a/child.ts':
            "import { fail } from '../shared/fail';\ntry {\n  fail();\n} catch (error) {\n  process.send!((error as Error).stack);\n  process.disconnect();\n}",
          'cloudcode/a/index.ts':
            "import { once } from 'node:events';\nimport { fork } from 'node:child_process';\nimport { join } from 'node:path';\nimport { Worker } from 'node:worker_threads';\nexport const run = async () => {\n  const [error] = await once(new Worker(new URL('./thread.ts', import.meta.url)), 'error').catch((thrown) => [thrown]);\n  const [stack] = await once(fork(join(import.meta.dirname, 'child.ts')), 'message');\n  return [error.stack, stack];\n};",
        });
        for (const [index, stack] of (result as readonly string[]).entries()) {
          assert.match(stack, /^Error: failed 0\n {4}at fail \(cloudcode\/shared\/fail\.ts:5:9\)\n/);
          assert.match(
            stack,
            index === 0
              ? /\n {4}at \S+ \(cloudcode\/a\/thread\.ts:3:20\)\n {4}at [^\n]*node:internal/
              : /\n {4}at .*cloudcode\/a\/child\.ts:3:3/,
          );
        }
      });
    }

    it('what is wrong with one is wrong with the task', async (t) => {
      const folder = await makeFolder(t, {
        ...beside,
        'cloudcode/a/index.ts': ask("new Worker(new URL('./thread.ts', import.meta.url))"),
        'cloudcode/a/thread.ts': "import './nothing';",
      });
      await assert.rejects(buildProject(folder), {
        code: 'task_broken',
        message: /^cloudcode\/a\/thread\.ts:1:8: Could not resolve "\.\/nothing"/,
      });
    });

    it('a source that is only read stays as it is', async (t) => {
      const files = {
        'cloudcode/a/index.ts':
          "import { readFileSync } from 'node:fs';\nexport const run = () => { try { return readFileSync(new URL('./template.ts', import.meta.url), 'utf8'); } catch (error) { return error.code; } };",
        'cloudcode/a/template.ts': 'enum Template { One }',
      };
      const folder = await makeFolder(t, files);
      assert.equal((await runBundle(await buildProject(folder), 'a')).result, 'enum Template { One }');
      assert.deepEqual(
        (await buildProject(folder)).files?.files
          .filter(({ path }) => path === 'cloudcode/a/template.ts')
          .map(({ bytes }) => bytes) ?? [21],
        [21],
      );
    });
  },
);
