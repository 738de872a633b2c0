import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { attempt, type OneAttempt } from './one-attempt.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test packages ')));
const compiled = join(folder, 'task.compiled');
after(() => rmSync(folder, { recursive: true }));

/** So much that it pays to keep it. */
const filler = `/* ${'x'.repeat(120_000)} */`;

const packages: Readonly<Record<string, string>> = {
  'facts/package.json':
    '{ "name": "facts", "main": "lib/index", "exports": { ".": "./lib/index.js", "./inner": "./lib/inner.js" }, "imports": { "#own": "./lib/own.js" } }',
  'facts/data.json': '{ "value": 42 }',
  'facts/lib/inner.js': 'exports.word = "inner"; exports.parent = module.parent?.id; exports.early = module.loaded;',
  'facts/lib/own.js': 'exports.word = "own";',
  'facts/lib/wide.js': 'module.exports = "żółć \u{1f600} 漢字";',
  'facts/lib/bang.js': '#!/usr/bin/env node\nmodule.exports = "bang";',
  'facts/lib/late.mjs': 'export const late = import.meta.url; export default "default";',
  'facts/lib/circle-a.js': 'exports.first = 1; const b = require("./circle-b"); exports.seen = b.seen;',
  'facts/lib/circle-b.js': 'exports.seen = Object.keys(require("./circle-a"));',
  'facts/lib/cycle.cjs':
    'try { require("./cycle.mjs"); exports.code = "none"; } catch (error) { exports.code = error.code; }',
  'facts/lib/cycle.mjs': 'import cycle from "./cycle.cjs"; export default cycle;',
  'facts/lib/broken.js': 'exports.x = ;',
  'facts/lib/throws.js': '\n  exports.fail = () => { throw new Error("on line 2"); };',
  'facts/lib/caller.js': `module.exports = () => {
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (_, sites) => sites;
    const sites = new Error().stack;
    Error.prepareStackTrace = prepareStackTrace;
    return [sites[1].getFileName(), sites[1].getLineNumber(), sites[1].getColumnNumber()];
  };`,
  'facts/lib/index.js': `${filler}
const caller = require('./caller');
const inner = require('facts/inner');
const codeOf = (work) => { try { return work(); } catch (error) { return [error.code, error.name, error.requireStack?.[0] ?? null, error.message.split('\\n')[0]]; } };
exports.facts = async () => ({
  filename: __filename, dirname: __dirname, isThis: this === exports, args: arguments.length,
  module: [module.id, module.path, module.paths, module.loaded, module.children.map(({ id }) => id), module.filename, module.constructor === require('module')],
  resolved: [require.resolve('./inner'), require.resolve('facts/inner'), require.resolve('fs'), require.resolve('node:fs'), require.resolve('./inner', { paths: [__dirname] }), require.resolve.paths('facts'), require.resolve.paths('./x')],
  wrong: [codeOf(() => require('./none')), codeOf(() => require('none')), codeOf(() => require.resolve('none')), codeOf(() => require('')), codeOf(() => require(5)), codeOf(() => require.resolve(5)), codeOf(() => require.resolve.paths(5)), codeOf(() => require('facts/hidden'))],
  inner, own: require('#own').word, json: require('../data.json').value, wide: require('./wide'), bang: require('./bang'), circle: require('./circle-a'), cycle: require('./cycle.cjs'),
  names: [require.name, require.length, Object.keys(require), Object.keys(require.extensions), require.cache === require('module')._cache, require.main === process.mainModule],
  cached: Object.keys(require.cache).filter((name) => name.includes('node_modules/facts')), caller: caller(), late: await import('./late.mjs'), esm: require('./late.mjs').late,
  broken: codeOf(() => require('./broken')).slice(0, 2), stack: (() => { try { require('./throws').fail(); } catch (error) { return error.stack.split('\\n')[1]; } })(),
  again: (delete require.cache[require.resolve('./inner')], require('./inner') !== inner),
  parts: [inner.parent, inner.early],
});`,
  'word/package.json': '{ "name": "word", "main": "index.js" }',
  'word/index.js': `${filler}\nexports.word = () => require('./part').word + require('./other').word;`,
  'word/again.js': `${filler}\nrequire('./part');\nexports.word = () => [require('./part').word, require('./part') === require('./part.js'), module.children.map(({ id }) => id.split('/').at(-1)), globalThis.told ?? null];`,
  'word/part.js': 'exports.word = "one";',
  'word/other.js': 'exports.word = "!";',
  'esm/package.json': '{ "name": "esm", "type": "module", "exports": { ".": "./index.js", "./*": "./*" } }',
  'esm/index.js': `import cjs, { part } from './cjs.cjs'; import data from '../facts/data.json' with { type: 'json' }; import * as dep from 'dep'; import { circle } from './circle.js';
${Array.from({ length: 14 }, (_, n) => `import { n as n${n} } from './part${n}.js';`).join('\n')}
export default class Default {}
export const facts = { url: import.meta.url, resolved: import.meta.resolve('dep'), cjs, part, data, dep: { ...dep }, circle: circle(), sum: [${Array.from({ length: 14 }, (_, n) => `n${n}`).join(', ')}], stack: new Error('here').stack.split('\\n')[1] };`,
  'esm/cjs.cjs':
    'exports.part = require("./part0.js").n; exports.filename = __filename; exports.parent = module.parent?.id ?? null;',
  'esm/circle.js':
    'import { facts } from "./index.js"; export const circle = () => { try { return facts; } catch (error) { return error.name; } };',
  ...Object.fromEntries(
    Array.from({ length: 14 }, (_, n) => [`esm/part${n}.js`, `import 'dep'; export const n = ${n};`]),
  ),
  'dep/package.json': '{ "name": "dep", "exports": { "import": "./one.mjs", "require": "./one.cjs" } }',
  'dep/one.mjs': 'export const word = "one";',
  'dep/two.mjs': 'export const word = "two";',
  'dep/one.cjs': 'exports.word = "required";',
  'other/index.js': `${filler}\nexports.word = () => "another";`,
};

/** What a task does before it requires a package, and what that gives then. */
const patches: Readonly<Record<string, readonly [string, string]>> = {
  'Module._load': [
    `const { _load } = Module; Module._load = function (request, ...rest) { const loaded = _load.call(this, request, ...rest); return request === './part' ? { word: 'patched' } : loaded; };`,
    'patched!',
  ],
  'Module._resolveFilename': [
    `const { _resolveFilename } = Module; Module._resolveFilename = function (request, ...rest) { return _resolveFilename.call(this, request === './part' ? './other' : request, ...rest); };`,
    '!!',
  ],
  'Module._findPath': [
    `const { _findPath } = Module; Module._findPath = function (request, ...rest) { return _findPath.call(this, request === './part' ? './other' : request, ...rest); };`,
    '!!',
  ],
  'Module.prototype.require': [
    `const { require: load } = Module.prototype; Module.prototype.require = function (id) { const loaded = load.call(this, id); return id === './part' ? { word: 'patched' } : loaded; };`,
    'patched!',
  ],
  'Module.prototype._compile': [
    `const { _compile } = Module.prototype; Module.prototype._compile = function (content, ...rest) { return _compile.call(this, content.replace('"one"', '"patched"'), ...rest); };`,
    'patched!',
  ],
  'a module of its own _compile': [
    `const js = Module._extensions['.js']; Module._extensions['.js'] = (module, filename) => { const { _compile } = module; module._compile = (content, name) => _compile.call(module, content.replace('"one"', '"patched"'), name); js(module, filename); };`,
    'patched!',
  ],
  'Module.wrap': [
    `const { wrap } = Module; Module.wrap = (text) => wrap(text.replace('"one"', '"patched"'));`,
    'patched!',
  ],
  'Module.wrapper': [
    `Module.wrapper[0] += 'const patched = 1; '; Module.wrapper[1] = '\\nif (exports.word === "one") exports.word += patched;' + Module.wrapper[1];`,
    'one1!',
  ],
  'fs.readFileSync': [
    `const fs = require('fs'); const { readFileSync } = fs; fs.readFileSync = (...args) => { const read = readFileSync(...args); return typeof read === 'string' ? read.replace('"one"', '"patched"') : read; };`,
    'patched!',
  ],
  'module.registerHooks': [
    `Module.registerHooks({ load(url, context, next) { const loaded = next(url, context); return url.endsWith('part.js') ? { ...loaded, source: String(loaded.source).replace('"one"', '"patched"') } : loaded; } });`,
    'patched!',
  ],
  'registerHooks that resolves': [
    `require('module').registerHooks({ resolve: (specifier, context, next) => next(specifier === './part' ? './other' : specifier, context) });`,
    '!!',
  ],
  'require.cache': [
    `require.cache[require.resolve('word/part')] = { id: 'x', loaded: true, exports: { word: 'patched' } };`,
    'patched!',
  ],
  'require.extensions': [
    `require.extensions['.js'] = (module, filename) => { module.exports = filename.endsWith('part.js') ? { word: 'patched' } : filename.endsWith('word/index.js') ? { word: () => module.require('./part').word + '?' } : {}; };`,
    'patched?',
  ],
  'a module of its own require': [
    `const found = require.resolve('word/again.js'); const { [found]: again } = require.cache; if (again !== undefined) again.require = () => ({ word: 'patched' });`,
    'one!',
  ],
  'diagnostics channels': [
    `globalThis.told = []; require('diagnostics_channel').subscribe('tracing:module.require:start', ({ id }) => told.push(id));`,
    'one!',
  ],
  nothing: ['', 'one!'],
};

const task = `const Module = require('module');
const patches = { ${Object.entries(patches)
  .map(([name, [code]]) => `${JSON.stringify(name)}() { ${code} }`)
  .join(',\n')} };
exports.run = async ({ patch, late, loads = 'word' }) => {
  if (late !== undefined) {
    const { word } = require('word/again.js');
    patches[late]();
    return word();
  }
  if (patch !== undefined) patches[patch]();
  if (loads === 'esm') return { ...require('esm').facts, default: require('esm').default.name, required: require('dep').word, later: (await import('esm')).default === require('esm').default };
  if (loads === 'facts') return require('facts').facts();
  return require(loads).word();
};`;

beforeEach(() => {
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
  rmSync(compiled, { recursive: true, force: true });
  for (const [name, text] of Object.entries(packages)) write(join('node_modules', name), text);
  write('task.cjs', task);
  write(
    'plain.cjs',
    `require('./task.cjs').run(JSON.parse(process.argv[2])).then((value) => console.log(JSON.stringify(value)));`,
  );
});

test('packages from a pack are what plain Node makes of them', async () => {
  const expected = inNode({ loads: 'facts' });
  assert.deepEqual((await run({ loads: 'facts' })).result, expected);
  assert.equal(packs().length, 1);
  assert.deepEqual((await run({ loads: 'facts' })).result, expected);
  // Without a folder that stays as it is, what a request resolves to is asked of Node.
  assert.deepEqual((await run({ loads: 'facts' }, { packagesFolder: null })).result, expected);
  assert.deepEqual((await run({ loads: 'facts' }, { packagesFolder: null })).result, expected);
});

test('what a task patches before it requires a package counts as in Node, when it makes the pack and when it uses one', async () => {
  assert.equal((await run({})).result, 'one!');
  for (const [patch, [, expected]] of Object.entries(patches)) {
    assert.equal(inNode({ patch }), expected, `${patch}, in Node`);
    assert.equal((await run({ patch })).result, expected, patch);
  }
  for (const [patch, [, expected]] of Object.entries(patches)) {
    rmSync(compiled, { recursive: true, force: true });
    assert.equal((await run({ patch })).result, expected, `${patch}, without a pack`);
    assert.equal((await run({})).result, 'one!', `after ${patch}`);
  }
});

test('what a task patches after a package was loaded counts as in Node when that requires something again', async () => {
  await run({ late: 'nothing' });
  for (const late of Object.keys(patches)) {
    const expected = inNode({ late });
    for (const packagesFolder of [folder, null])
      assert.deepEqual((await run({ late }, { packagesFolder })).result, expected, late);
  }
});

test('ES modules that a task requires or imports are what plain Node makes of them, and are found without a look at the disk', async () => {
  const expected = inNode({ loads: 'esm' });
  assert.deepEqual(pick(await run({ loads: 'esm' })), [expected, true]);
  assert.deepEqual(pick(await run({ loads: 'esm' })), [expected, false]);
  assert.ok(globSync('modules/*/*', { cwd: compiled }).length >= 16);
  // An import resolves to what it did when the pack was made; and to what is there now, where the folder may change.
  write(
    'node_modules/dep/package.json',
    '{ "name": "dep", "exports": { "import": "./two.mjs", "require": "./one.cjs" } }',
  );
  const words = async (how: Parameters<typeof run>[1]): Promise<unknown> =>
    ((await run({ loads: 'esm' }, how)).result as { dep: { word: string } }).dep.word;
  assert.equal(await words({}), 'one');
  assert.equal(await words({ packagesFolder: null }), 'two');
  // So does what it says.
  write('node_modules/dep/one.mjs', 'export const word = "three";');
  assert.equal(await words({}), 'one');
  write(
    'node_modules/dep/package.json',
    '{ "name": "dep", "exports": { "import": "./one.mjs", "require": "./one.cjs" } }',
  );
  assert.equal(await words({ packagesFolder: null }), 'three');
});

test('hooks for ES modules that a task registers before it requires one count as in Node', async () => {
  const hooks =
    'export const resolve = (specifier, context, next) => next(specifier === "dep" ? "dep-two" : specifier, context);';
  write('node_modules/dep-two/index.js', 'exports.word = "hooked";');
  await run({ loads: 'esm' });
  for (const register of [
    `registerHooks({ resolve: (specifier, context, next) => next(specifier === 'dep' ? 'dep-two' : specifier, context) })`,
    `register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))`,
  ]) {
    write(
      'task.cjs',
      `exports.run = async () => { require('module').${register}; return [(await import('esm')).facts.dep.word, require('esm').facts.dep.word]; };`,
    );
    assert.deepEqual((await run({})).result, inNode({}), register);
    assert.deepEqual((await run({})).result, ['hooked', 'hooked'], register);
  }
});

test('a task in ESM format finds what its packages import in the pack', async () => {
  write('task.mjs', `import { facts } from 'esm'; await null; export const run = async () => facts.dep.word;`);
  const esm = { path: join(folder, 'task.mjs'), format: 'esm' } as const;
  assert.deepEqual(pick(await run({}, esm)), ['one', true]);
  write('node_modules/dep/package.json', '{ "name": "dep", "exports": "./two.mjs" }');
  assert.deepEqual(pick(await run({}, esm)), ['one', false]);
});

test('a file is loaded from the pack while it is what it was, and from the disk when it is another', async () => {
  const part = join(folder, 'node_modules/word/part.js');
  const own = { packagesFolder: null };
  utimesSync(part, 1_700_000_000, 1_700_000_000);
  assert.equal((await run({}, own)).keepsCode, true);
  // Altered in place, with its size and time: nobody can tell, so that the answer tells whose was run.
  writeFileSync(part, 'exports.word = "two";');
  utimesSync(part, 1_700_000_000, 1_700_000_000);
  assert.deepEqual(pick(await run({}, own)), ['one!', false]);
  utimesSync(part, 1_700_000_000, 1_700_000_001);
  assert.equal((await run({}, own)).result, 'two!');
  write('node_modules/word/part.js', 'exports.word = "three";');
  assert.equal((await run({}, own)).result, 'three!');
  rmSync(part);
  assert.match((await run({}, own)).error?.message ?? '', /ENOENT|Cannot find module/);
});

test('a folder that stays as it is is not looked into again, until somebody has put right what is in it', async () => {
  await run({});
  write('node_modules/word/part.js', 'exports.word = "altered";');
  assert.deepEqual(pick(await run({})), ['one!', false]);
  utimesSync(folder, 1_700_000_000, 1_700_000_000);
  assert.deepEqual(pick(await run({})), ['altered!', true]);
  assert.deepEqual(pick(await run({})), ['altered!', false]);
});

test('a pack that was cut or damaged is thrown away and made again', async () => {
  await run({});
  const [pack = ''] = packs();
  const whole = readFileSync(pack);
  const flipped = Buffer.from(whole);
  flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 1;
  for (const broken of [Buffer.alloc(0), whole.subarray(0, 3), whole.subarray(0, 50_000), flipped]) {
    writeFileSync(pack, broken);
    assert.deepEqual(pick(await run({})), ['one!', true]);
    assert.deepEqual(pick(await run({})), ['one!', false]);
  }
});

test('a pack grows by what later attempts load, so often and no more, and is whole when several keep one at the same time', async () => {
  await Promise.all(Array.from({ length: 4 }, () => run({})));
  assert.deepEqual(pick(await run({})), ['one!', false]);
  assert.deepEqual(pick(await run({ loads: 'other' })), ['another', true]);
  assert.deepEqual(pick(await run({ loads: 'other' })), ['another', false]);
  assert.deepEqual(pick(await run({})), ['one!', false]);
  for (let n = 0; n < 12; n += 1) {
    write(`node_modules/p${n}/index.js`, `${filler} exports.word = () => ${n};`);
    await run({ loads: `p${n}` });
  }
  write('node_modules/last/index.js', `${filler} exports.word = () => 'last';`);
  for (const _ of [1, 2]) assert.deepEqual(pick(await run({ loads: 'last' })), ['last', false]);
  assert.deepEqual(globSync('**/*.tmp', { cwd: compiled }), []);
});

test('nothing is kept of packages that Node is to load by itself, of small ones, or where nothing can be written', async () => {
  assert.deepEqual(pick(await run({}, { external: ['word'] })), ['one!', false]);
  write('node_modules/small/index.js', 'exports.word = () => "small";');
  assert.deepEqual(pick(await run({ loads: 'small' })), ['small', false]);
  assert.ok(!existsSync(compiled));
  writeFileSync(compiled, 'a file where the folder would be');
  for (const _ of [1, 2]) assert.equal((await run({})).result, 'one!');
});

test('a task that imports at run time prints no warning of ours, and its own are printed', async () => {
  write(
    'task.cjs',
    `exports.run = async () => { const { sep } = await import('node:path'); process.emitWarning('mine', 'ExperimentalWarning'); await new Promise(setImmediate); return sep; };`,
  );
  const { result, output } = await run({});
  assert.equal(result, '/');
  assert.doesNotMatch(output, /USE_MAIN_CONTEXT_DEFAULT_LOADER/);
  assert.match(output, /ExperimentalWarning: mine/);
});

function run(
  parameters: object,
  how: {
    readonly packagesFolder?: string | null;
    readonly external?: readonly string[];
    readonly path?: string;
    readonly format?: 'esm';
  } = {},
): Promise<OneAttempt> {
  const path = join(folder, 'task.cjs');
  return attempt(folder, {
    path,
    sourceMapPath: `${path}.map`,
    compiledFolder: compiled,
    format: 'cjs',
    base: path,
    packagesFolder: folder,
    ...how,
    parameters,
  });
}

function inNode(parameters: object): unknown {
  return JSON.parse(
    execFileSync(process.execPath, [join(folder, 'plain.cjs'), JSON.stringify(parameters)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

function packs(): readonly string[] {
  return globSync('*.pack', { cwd: compiled }).map((name) => join(compiled, name));
}

function pick({ result, keepsCode }: OneAttempt): readonly [unknown, boolean] {
  return [result, keepsCode];
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
