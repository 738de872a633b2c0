/** So much that it pays to keep it. */
export const filler = `/* ${'x'.repeat(120_000)} */`;

export const packages: Readonly<Record<string, string>> = {
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
export const patches: Readonly<Record<string, readonly [string, string]>> = {
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

export const task = `const Module = require('module');
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
