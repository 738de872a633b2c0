import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

export const inModules = (name: string, files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`node_modules/${name}/${path}`, text]));

export const packages = {
  ...inModules('common', {
    'package.json': '{ "name": "common", "version": "1.0.0" }',
    'index.js': "const name = 'comp' + 'uted';\nmodule.exports = { fixed: 1, [name]: 2, place: __filename };",
  }),
  ...inModules('compiled', {
    'package.json': '{ "name": "compiled" }',
    'index.js':
      "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'the default';\nexports.named = 'named';",
  }),
  ...inModules('modules', {
    'package.json':
      '{ "name": "modules", "type": "module", "exports": { ".": "./main.js", "./deep": "./lib/deep.js" } }',
    'main.js': 'export default function byDefault() {}\nexport const named = 1;',
    'lib/deep.js': 'export default import.meta.filename;',
  }),
  ...inModules('untyped', {
    'package.json': '{ "name": "untyped" }',
    'index.js': "export default 'untyped';\nexport const is = 'a module by its text';",
  }),
  ...inModules('dual', {
    'package.json':
      '{ "name": "dual", "exports": { ".": { "module": "./never.js", "import": "./index.mjs", "require": "./index.cjs" } } }',
    'index.mjs': "export default 'imported';",
    'index.cjs': "module.exports = 'required';",
    'never.js': 'broken(',
  }),
  ...inModules('awaits', {
    'package.json': '{ "name": "awaits", "type": "module", "exports": "./main.js" }',
    'main.js': "export { late } from './late.js';",
    'late.js': "export const late = await Promise.resolve('late');",
  }),
  ...inModules('data', {
    'package.json': '{ "name": "data" }',
    'values.json': '{ "value": 3 }',
    'text.html': '<p>text</p>',
  }),
  ...inModules('gaps', {
    'package.json': '{ "name": "gaps" }',
    'index.js':
      "exports.load = () => require('not-there');\ntry { require('not-there-either'); } catch { exports.without = true; }",
  }),
};

export async function run(t: TestContext, files: Readonly<Record<string, string>>, task = 'a'): Promise<unknown> {
  const { result, stack } = await runBundle(
    await layOut(t, await buildProject(await makeFolder(t, { ...packages, ...files }))),
    task,
  );
  assert.equal(stack, undefined);
  return result;
}
