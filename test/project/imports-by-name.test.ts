import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

const packages = {
  'node_modules/words/package.json':
    '{ "name": "words", "type": "module", "exports": { ".": { "import": "./main.js", "require": "./never.cjs" }, "./deep": "./lib/deep.js" } }',
  'node_modules/words/main.js': "export const word = 'the package';",
  'node_modules/words/lib/deep.js': "export const word = 'deep in the package';",
};
const hooks = `export const resolve = (specifier, context, next) =>
  /^words/.test(specifier) ? { url: 'data:text/javascript,export const word = "hooked ' + specifier + '"', shortCircuit: true } : next(specifier, context);`;
const register = `(await import('node:module')).register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));`;

describe('import() of a package by its name', () => {
  after(endBundler);

  it('asks for it by that name, so that the hooks of a task see what they see in Node', async (t) => {
    const task = `export async function run() { ${register} return [(await import('words')).word, (await import('words/deep')).word]; }`;
    assert.deepEqual(await run(t, { 'cloudcode/a/index.mts': task }), ['hooked words', 'hooked words/deep']);
    assert.deepEqual(
      await run(t, {
        'shared/import.mts': task,
        'cloudcode/a/index.mts': `export { run } from '../../shared/import.mts';`,
      }),
      ['hooked words', 'hooked words/deep'],
    );
  });

  it('finds what the importing file finds, where that is something else for the task', async (t) => {
    const own = "export const word = 'of the shared code';";
    const files = {
      'shared/node_modules/words/package.json': '{ "name": "words", "type": "module", "main": "./own.js" }',
      'shared/node_modules/words/own.js': own,
      'shared/import.ts': `export const load = async () => (await import('words')).word;`,
      'tsconfig.json': '{ "compilerOptions": { "paths": { "words/alias": ["./node_modules/words/lib/deep.js"] } } }',
      'cloudcode/a/index.ts': `import { load } from '../../shared/import.ts';
        export async function run() { return [await load(), (await import('words')).word, (await import('words/alias')).word]; }`,
    };
    assert.deepEqual(await run(t, files), ['of the shared code', 'the package', 'deep in the package']);
  });
});

async function run(t: TestContext, files: Readonly<Record<string, string>>): Promise<unknown> {
  const project = await layOut(t, await buildProject(await makeFolder(t, { ...packages, ...files })));
  const { result, stack } = await runBundle(project, 'a');
  assert.equal(stack, undefined);
  return result;
}
