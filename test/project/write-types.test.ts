import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { writeTypes } from '../../src/project/write-types.ts';
import { compile, installTypes } from './compile.ts';
import { makeFolder, writeFiles } from './make-folder.ts';

const bundler = { module: 'esnext', moduleResolution: 'bundler', allowImportingTsExtensions: true, skipLibCheck: true };
const nodenext = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
};

const tasks = {
  'cloudcode/othertask/index.ts': `
    export const run = async ({ myvalue }: { myvalue: number; note?: string }) => (await CloudCode.scheduleTask({ task: 'itself', parameters: { n: myvalue } })).id;`,
  // What it returns follows from what scheduleTask takes, which follows from its own signature: that must not go in circles.
  'cloudcode/itself/index.ts': `
    export async function run(parameters: { n: number }) {
      if (parameters.n === 0) return CloudCode.scheduleTask({ task: 'othertask', parameters: { myvalue: 1 } });
      const next = await CloudCode.scheduleTask({ task: 'itself', parameters: { n: parameters.n - 1 } });
      return next.id;
    }`,
  'cloudcode/none/index.mts': 'export function run() { return CloudCode.run.id; }',
  'cloudcode/with-default/index.tsx': 'export function run({ a = 1 }: { a?: number } = {}) { return a; }',
  'cloudcode/by.interface/index.ts':
    'export interface Given { a: number; b?: string | null }\nexport function run(given: Given) { return given.a; }',
  'cloudcode/plain/index.js': 'export function run(given) { return given; }',
};

const goodCalls = [
  "CloudCode.scheduleTask({ task: 'othertask', parameters: { myvalue: 42 } })",
  "CloudCode.scheduleTask({ task: 'othertask', parameters: { myvalue: 42, note: 'x' }, at: new Date(), queue: 'q' })",
  "imported.scheduleTask({ task: 'none', after: 5 })",
  "CloudCode.scheduleTask({ task: 'none', parameters: {} })",
  "CloudCode.scheduleTask({ task: 'with-default' })",
  "CloudCode.scheduleTask({ task: 'with-default', parameters: { a: 1 } })",
  "CloudCode.scheduleTask({ task: 'by.interface', parameters: given })",
  "CloudCode.scheduleTask({ task: 'plain' })",
  "CloudCode.scheduleTask({ task: 'plain', parameters: { anything: 1 } })",
];

const badCalls = [
  ["CloudCode.scheduleTask({ task: 'othertsk', parameters: { myvalue: 42 } })", /othertsk/],
  ["imported.scheduleTask({ task: 'othertsk' })", /othertsk/],
  [
    "CloudCode.scheduleTask({ task: 'othertask', parameters: { myvalue: '42' } })",
    /'string' is not assignable to type 'number'/,
  ],
  ["CloudCode.scheduleTask({ task: 'othertask', parameters: { value: 42 } })", /'value' does not exist/],
  ["CloudCode.scheduleTask({ task: 'othertask', parameters: { myvalue: 42, extra: 1 } })", /'extra' does not exist/],
  ["CloudCode.scheduleTask({ task: 'othertask' })", /not assignable/],
  ["CloudCode.scheduleTask({ task: 'none', parameters: { a: 1 } })", /'number' is not assignable to type 'never'/],
  ["CloudCode.scheduleTask({ task: 'none', delay: 1 })", /'delay' does not exist/],
  ["CloudCode.scheduleTask({ task: 'none', at: '2030-01-01' })", /'string' is not assignable to type 'Date'/],
  ['CloudCode.scheduleTask({ parameters: {} })', /not assignable/],
  ['CloudCode.run.nothing', /'nothing' does not exist/],
] as const;

function caller(calls: readonly string[]): Record<string, string> {
  const head =
    "import { CloudCode as imported } from 'cloudcode';\nimport type { Given } from '../by.interface/index.js';\nexport const given: Given = { a: 1 };\nexport async function run() {\n  void imported;\n";
  return { 'cloudcode/caller/index.ts': `${head}${calls.map((call) => `  await ${call};\n`).join('')}}\n` };
}

async function makeTyped(t: TestContext, compilerOptions: object, calls: readonly string[]): Promise<string> {
  const shared = { target: 'es2023', lib: ['es2023'], types: ['node'], strict: true, noEmit: true, jsx: 'preserve' };
  const tsconfig = JSON.stringify({
    compilerOptions: { ...shared, ...compilerOptions },
    include: ['cloudcode', '*.d.ts'],
  });
  const folder = await makeFolder(t, {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': tsconfig,
    ...tasks,
    ...caller(calls),
  });
  await installTypes(folder);
  return folder;
}

describe('writeTypes: scheduleTask is checked when the project is compiled', { concurrency: 2 }, () => {
  for (const [name, options] of [
    ['bundler', bundler],
    ['nodenext, strictest', nodenext],
  ] as const) {
    it(`accepts good calls under ${name}`, async (t) => {
      const folder = await makeTyped(t, options, goodCalls);
      await writeTypes(folder, dataInProject);
      assert.deepEqual(await compile(folder), []);
    });

    it(`refuses misspelt tasks and wrong parameters under ${name}`, async (t) => {
      const folder = await makeTyped(
        t,
        options,
        badCalls.map(([call]) => call),
      );
      await writeTypes(folder, dataInProject);
      const errors = await compile(folder);
      assert.equal(errors.length, badCalls.length, errors.join('\n'));
      for (const [position, [call, expected]] of badCalls.entries()) {
        assert.match(errors[position] ?? '', new RegExp(`^cloudcode/caller/index\\.ts\\(${position + 6},`), call);
        assert.match(errors[position] ?? '', expected, call);
      }
    });
  }

  it('accepts any task and parameters before the types are written', async (t) => {
    const folder = await makeTyped(t, bundler, ["imported.scheduleTask({ task: 'anything', parameters: { a: 1 } })"]);
    const errors = await compile(folder);
    assert.deepEqual(
      errors.filter((line) => line.startsWith('cloudcode/caller')),
      [],
    );
  });

  it('leaves an unchanged file alone and follows a new task', async (t) => {
    const folder = await makeFolder(t, tasks);
    const path = await writeTypes(folder, dataInProject);
    assert.equal(path, join(folder, 'cloudcode-env.d.ts'));
    const before = await stat(path, { bigint: true });
    await writeTypes(folder, dataInProject);
    assert.equal((await stat(path, { bigint: true })).mtimeNs, before.mtimeNs);
    await writeFiles(folder, { 'cloudcode/added/index.ts': 'export function run() {}' });
    await writeTypes(folder, dataInProject);
    assert.match(await readFile(path, 'utf8'), /'added': /);
  });

  it('says so when the folder is no project', async (t) => {
    await assert.rejects(writeTypes(await makeFolder(t, {}), dataInProject), { code: 'project_not_found' });
  });
});
