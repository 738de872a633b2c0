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
import { filler, packages, patches, task } from './package-facts.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test packages ')));
const compiled = join(folder, 'task.compiled');
after(() => rmSync(folder, { recursive: true }));

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
