import assert from 'node:assert/strict';
import { copyFileSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { Run } from '../../../src/engine/core/run.ts';
import { startRuntime, type Runtime, until } from '../../support/runtime.ts';

/** Large enough for its compiled code to be kept. */
const library = `${Array.from({ length: 6_000 }, (_, n) => `export function part${n}(value: number) { return value * ${n} + part${Math.max(0, n - 1)}.length; }`).join('\n')}
export const parts = [${Array.from({ length: 6_000 }, (_, n) => `part${n}`).join(', ')}];
export function fail(): never {
  throw new Error('on line 6003');
}
export function spin(): never {
  for (;;) parts.length;
}
`;
const answering = (word: string): string => `
  import { fail, part7, parts, spin } from '../../library.ts';
  export const config = { timeoutMs: 20_000, maxAttempts: 1 };
  export async function run({ fails = false } = {}) { if (fails) fail(); return ['${word}', part7(1), parts.length]; }`;

const tasks: Record<string, string> = {
  'library.ts': library,
  one: answering('word of one'),
  two: answering('word of two'),
  torn: answering('torn'),
  alien: answering('alien'),
  many: answering('many'),
  shut: answering('shut'),
  stack: answering('stack'),
  thrower: `import { fail, parts } from '../../library.ts';\nexport async function run() { if (parts.length > 0) fail(); }`,
  spinner: `import { parts, spin } from '../../library.ts';\nexport const config = { timeoutMs: 1_500, maxAttempts: 1 };\nexport async function run({ spins = false } = {}) { if (spins) spin(); return parts.length; }`,
  small: `export async function run() { return 1; }`,
  waits: `await null;\n${answering('waits')}`,
  shutwaits: `await null;\n${answering('shutwaits')}`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('an attempt runs what an earlier one of the same bundle has kept', async () => {
  await answer('one');
  await answer('two');
  // V8 takes the code of any source of the same length, so that the answer tells whose was run.
  const [one, two] = [keptOf('one'), keptOf('two')];
  copyFileSync(one, two);
  assert.equal(await answer('two'), 'word of one');
  assert.equal(await answer('one'), 'word of one');
});

test('compiled code that was cut or damaged is thrown away and made again', async () => {
  await answer('torn');
  const file = keptOf('torn');
  const whole = readFileSync(file);
  for (const broken of [
    Buffer.alloc(0),
    whole.subarray(0, 3),
    whole.subarray(0, 5_000),
    flipped(whole, whole.length >> 1),
    flipped(whole, 4),
  ]) {
    writeFileSync(file, broken);
    assert.equal(await answer('torn'), 'torn');
    assert.ok(isWhole(readFileSync(file)));
  }
});

test('compiled code that V8 refuses, as of other flags, is thrown away and made again', async () => {
  await answer('alien');
  const file = keptOf('alien');
  const size = statSync(file).size;
  const nothingOfV8 = Buffer.alloc(size - 4, 'x');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(nothingOfV8), 0);
  writeFileSync(file, Buffer.concat([checksum, nothingOfV8]));
  assert.equal(await answer('alien'), 'alien');
  assert.ok(!readFileSync(file).subarray(4).equals(nothingOfV8));
});

test('attempts that keep the same code at the same time leave one whole file', async () => {
  const runs = await Promise.all(Array.from({ length: 6 }, () => runtime.run('many')));
  assert.deepEqual(new Set(runs.map(({ result }) => JSON.stringify(result))).size, 1);
  assert.ok(isWhole(readFileSync(keptOf('many'))));
  assert.deepEqual(globSync('**/*.tmp', { cwd: join(data(), 'bundles') }), []);
});

test('where nothing can be written a run is as good as anywhere', async () => {
  for (const task of ['shut', 'shutwaits']) {
    await runtime.run(task, { parameters: { fails: true } }); // the bundle is there
    const folder = compiledFolderOf(task);
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, 'a file where the folder would be');
    for (const _ of [1, 2]) assert.equal(await answer(task), task);
    rmSync(folder);
  }
});

test('errors name the line of the project, with kept code and without', async () => {
  const places: string[] = [];
  for (const keep of [false, true]) {
    if (keep) await answer('stack');
    const run = await runtime.run('stack', { parameters: { fails: true } });
    assert.match(
      run.error?.stack ?? '',
      /Error: on line 6003\n\s+at fail \(library\.ts:6003:9\)\n\s+at run \(cloudcode\/stack\/index\.ts:4:\d+\)/,
    );
    assert.equal(existsSync(compiledFolderOf('stack')), keep);
    places.push(run.error?.stack ?? '');
  }
  assert.equal(places[0], places[1]);
});

test(
  'a time-out names the line of the project where it was, with kept code too',
  { skip: process.env['CLOUDCODE_WORKER_START'] === 'fork' && 'a forked worker has no stack sampled' },
  async () => {
    await runtime.run('spinner');
    assert.ok(isWhole(readFileSync(keptOf('spinner'))));
    const run = await runtime.run('spinner', { parameters: { spins: true } });
    assert.equal(run.attempts[0]?.outcome, 'timed_out');
    assert.match(run.attempts[0].error?.stack ?? '', /at spin \(library\.ts:6006:/);
  },
);

test('a run that threw keeps nothing: little may have been compiled by then', async () => {
  const run = await runtime.run('thrower');
  assert.equal(run.error?.message, 'on line 6003');
  assert.ok(!existsSync(compiledFolderOf('thrower')));
});

test('nothing is kept of a small bundle', async () => {
  await runtime.run('small');
  assert.ok(existsSync(bundleOf('small')));
  assert.ok(!existsSync(compiledFolderOf('small')));
});

test('a bundle that awaits at top level is kept by Node, in the folder of that bundle, and damage does no harm', async () => {
  const file = await until(20_000, 'it is kept', async () => {
    assert.equal(await answer('waits'), 'waits');
    return globSync('*/*', { cwd: compiledFolderOf('waits') }).find((name) => !name.endsWith('.tmp')) ?? null;
  });
  const path = join(compiledFolderOf('waits'), file);
  writeFileSync(path, flipped(readFileSync(path), statSync(path).size >> 1));
  const run = await runtime.run('waits', { parameters: { fails: true } });
  assert.match(
    run.error?.stack ?? '',
    /at fail \(library\.ts:6003:9\)\n\s+at run \(cloudcode\/waits\/index\.ts:5:\d+\)/,
  );
});

async function answer(task: string): Promise<string> {
  const run: Run = await runtime.run(task);
  assert.equal(run.state, 'succeeded', JSON.stringify(run.error));
  const [word, seven, length] = run.result as [string, number, number];
  assert.deepEqual([seven, length], [8, 6_000]);
  return word;
}

const data = (): string => join(runtime.folder, '.cloudcode');

/** The bundle of a task: esbuild writes the name of each file into it. */
function bundleOf(task: string): string {
  const [found] = globSync(`deployments/*/cloudcode/${task}/*.{cjs,mjs}`, { cwd: data() });
  assert.ok(found !== undefined, `no bundle of ${task}`);
  return join(data(), found);
}

function compiledFolderOf(task: string): string {
  return join(data(), 'bundles', basename(bundleOf(task)).replace(/\.[cm]js$/, '.compiled'));
}

function keptOf(task: string): string {
  const folder = compiledFolderOf(task);
  const [name, ...others] = globSync('*', { cwd: folder });
  assert.ok(name !== undefined && others.length === 0, `one file in ${folder}`);
  return join(folder, name);
}

function flipped(data: Buffer, at: number): Buffer {
  const copy = Buffer.from(data);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function isWhole(data: Buffer): boolean {
  return data.length > 50_000 && data.readUInt32LE(0) === crc32(data.subarray(4));
}
