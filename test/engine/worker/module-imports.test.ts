import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { namesUsed } from '../../../src/engine/worker/packages/names-of-builtins.ts';
import { attempt } from './one-attempt.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test builtin ')));
after(() => rmSync(folder, { recursive: true }));

/** So many that it pays to keep them. */
const parts = Array.from({ length: 14 }, (_, n) => n);
const undici = `process.moduleLoadList.includes('NativeModule internal/deps/undici/undici')`;

beforeEach(() => {
  for (const name of ['node_modules', 'task.compiled']) rmSync(join(folder, name), { recursive: true, force: true });
  write('node_modules/esm/package.json', '{ "name": "esm", "type": "module" }');
  for (const n of parts) write(`node_modules/esm/part${n}.js`, `import 'node:path'; export const n = ${n};`);
  write('plain.cjs', `require('./task.cjs').run().then((value) => console.log(JSON.stringify(value)));`);
});

test('an ES module that imports a builtin module loads nothing of it that it does not use', async () => {
  write(
    'node_modules/esm/index.js',
    `${importsOfParts()}
    import * as http_ from 'http'; import process, { pid } from 'node:process';
    const http = http_.default || http_;
    export const facts = () => [typeof http.request, typeof http_.Agent, pid === process.pid, ${undici}];`,
  );
  write('task.cjs', `const { facts } = require('esm'); exports.run = async () => facts();`);
  assert.deepEqual(inNode(), ['function', 'function', true, true]);
  assert.deepEqual(await run(), ['function', 'function', true, true]);
  assert.deepEqual(await run(), ['function', 'function', true, false]);
});

test('what an ES module sees of builtin modules is what it sees in Node, whoever has changed them', async () => {
  write(
    'node_modules/esm/patch.js',
    `import http from 'node:http'; http.STATUS_CODES = { patched: 'by a neighbour' };`,
  );
  write(
    'node_modules/esm/index.js',
    `${importsOfParts()}
    import './patch.js';
    import http, { METHODS as methods, STATUS_CODES, globalAgent } from 'node:http'; import * as space from 'node:http'; import { promises, constants as numbers } from 'fs'; import * as whole from 'node:util';
    const look = () => [http.maxHeaderSize, methods.length, Object.keys(STATUS_CODES).length, typeof space.request, space.maxHeaderSize, globalAgent === http.globalAgent, space.none, numbers.F_OK, typeof promises.readFile, Object.keys(whole).length, http.request.name, space.request.name, space.WebSocket === WebSocket];
    export const facts = () => look();`,
  );
  write('node_modules/esm/late.js', `import { request } from 'node:http'; export const name = () => request.name;`);
  write(
    'task.cjs',
    `const http = require('http'); const { syncBuiltinESMExports } = require('module');
    exports.run = async () => {
      http.request = function early() {};
      const { facts } = require('esm'); const before = facts();
      http.request = function later() {};
      const patched = facts(); const late = require('esm/late.js').name();
      syncBuiltinESMExports();
      const { request } = await import('node:http');
      return [before, patched, late, facts(), require('esm/late.js').name(), request.name];
    };`,
  );
  const expected = inNode();
  assert.deepEqual(await run(), expected);
  assert.deepEqual(await run(), expected);
});

test('an ES module sees of CommonJS what it sees in Node, and in what order that is loaded, also when its exports are known', async () => {
  const star = `const tslib = { __exportStar(from, to) { for (const name in from) if (!Object.hasOwn(to, name)) to[name] = from[name]; } };`;
  const cached = `Object.entries(require.cache).filter(([path]) => path.includes('/cjs/')).map(([path, { loaded, parent, children }]) => [path, loaded, parent?.id ?? null, children.map(({ id }) => id)])`;
  write('node_modules/cjs/package.json', '{ "name": "cjs" }');
  write('node_modules/cjs/data.json', '{ "data": 1 }');
  write(
    'node_modules/cjs/index.js',
    `${star} exports.own = 1; exports['with-dash'] = 2; exports[['comp', 'uted'].join('')] = 3;
    tslib.__exportStar(require('./first'), exports); tslib.__exportStar(require('./data.json'), exports); tslib.__exportStar(require('node:os').constants.priority, exports);
    try { tslib.__exportStar(require('./none'), exports); } catch (error) { exports.code = error.code; }
    exports.cached = () => ${cached}; exports.late = () => require('./late').late // and no semicolon`,
  );
  write(
    'node_modules/cjs/first.js',
    `${star} exports.first = [module.parent?.id ?? null, module.loaded, ${cached}]; tslib.__exportStar(require('./second'), exports);`,
  );
  write('node_modules/cjs/second.js', `module.exports = require('./third.cjs');`);
  write('node_modules/cjs/third.cjs', `exports.third = Object.keys(require('./index')); exports.default = 'third';`);
  write('node_modules/cjs/late.js', `exports.late = module.parent.id;`);
  write(
    'node_modules/esm/index.js',
    `${importsOfParts()}
    import whole, * as cjs from 'cjs'; import second, { third } from 'cjs/second.js'; import { own } from 'cjs'; import { first } from 'cjs/first.js';
    export const facts = () => [Object.entries(cjs), whole === cjs['module.exports'], second, third, own, first, cjs.cached(), cjs.late(), cjs.cached()];`,
  );
  write('task.cjs', `const { facts } = require('esm'); exports.run = async () => facts();`);
  const expected = inNode();
  for (const _ of [1, 2, 3]) assert.deepEqual(await run(), expected);
  const [pack = ''] = globSync('*.pack', { cwd: join(folder, 'task.compiled') });
  assert.match(
    readFileSync(join(folder, 'task.compiled', pack), 'latin1'),
    /"exported":\[\["[^"]*cjs\/index\.js",\["cached","code",/,
  );
});

test('the names by which a text uses a builtin module are told where the text makes them plain, and else not at all', () => {
  const plain: Readonly<Record<string, readonly string[]>> = {
    [`import http from 'http'; pass(http);`]: [],
    [`import{request as r,Agent}from"http";r()`]: ['Agent', 'request'],
    [`import http, { get, default as all } from 'http';`]: ['get'],
    [`import http, * as space from 'http'; space.get(); http`]: ['get'],
    [`import * as http from 'http'; new http.Agent(); http . get('http://a'); a?.http\n.request; http?.METHODS`]: [
      'Agent',
      'METHODS',
      'get',
      'request',
    ],
    [`import * as http_ from 'http'; const http = http_.default || http_; http.x`]: [],
    [`// import * as http from 'http' is http\n/**\n * Passes \`http\` on.\n */\nimport * as http from 'http'; http.get(size/http.maxHeaderSize)`]:
      ['get', 'maxHeaderSize'],
    [`import * as http from 'http'; import('./other.js'); import.meta.url; a === 'http'; '../http/b.js'`]: [],
  };
  for (const [text, names] of Object.entries(plain)) assert.deepEqual(namesUsed(text, 'http'), names, text);
  for (const text of [
    `import 'http';`,
    `export * from 'http';`,
    `import http from 'http'; export { get } from 'http';`,
    `import * as http from 'http'; pass(http);`,
    `import * as http from 'http'; export { http };`,
    `import * as http from 'http'; ({ ...http });`,
    `import * as http from 'http'; http[name];`,
    `import * as http from 'http'; ({ http });`,
    `import * as http from 'http'; http_.default || http;`,
    `import * as http from 'http'; eval('http');`,
    `import * as http from 'http'; \\u0068ttp;`,
    '`\n// ${pass(http)}\n`; import * as http from "http";',
    '`\n// `; import("http"); import http from "http";',
    `import http from 'http'; await import('http');`,
    `import http from 'http'; await import(name);`,
    `import http from 'http'; import.meta.resolve(name);`,
    `import http from 'http'; const { resolve } = import.meta;`,
    `import http from 'http'; import /* late */ more from /* x */ 'http';`,
    `import http from 'http'; await import(/* x */ 'http');`,
  ])
    assert.equal(namesUsed(text, 'http'), null, text);
});

function importsOfParts(): string {
  return parts.map((n) => `import { n as n${n} } from './part${n}.js';`).join('\n');
}

async function run(): Promise<unknown> {
  const path = join(folder, 'task.cjs');
  const { result, error } = await attempt(folder, {
    path,
    sourceMapPath: `${path}.map`,
    compiledFolder: join(folder, 'task.compiled'),
    format: 'cjs',
    base: path,
    packagesFolder: folder,
  });
  assert.equal(error, null);
  return result;
}

function inNode(): unknown {
  return JSON.parse(execFileSync(process.execPath, [join(folder, 'plain.cjs')], { encoding: 'utf8' }));
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
