import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundleHash, bundleHashBesides } from '../../../src/contents/bundle-hash.ts';
import { openBundleCache } from '../../../src/engine/runner/bundle-cache.ts';
import { loadTask } from '../../../src/engine/worker/load-task.ts';
import { type Runtime, startRuntime } from '../../support/runtime.ts';

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime({
    plain: 'export async function run() { return 1; }',
    waits: 'await null;\nexport async function run() { return 2; }',
  });
});
after(() => runtime[Symbol.asyncDispose]());

const bundles = (): string => join(runtime.folder, '.cloudcode', 'bundles');
const answers = async (): Promise<unknown[]> =>
  Promise.all(['plain', 'waits'].map(async (task) => (await runtime.run(task)).result));

const harm: Readonly<Record<string, () => void>> = {
  removed: () => rmSync(bundles(), { recursive: true }),
  short: () => each((file) => truncateSync(file, 10)),
  'altered in place, with size and time kept': () =>
    each((file) => {
      const { atime, mtime } = statSync(file);
      writeFileSync(file, 'x'.repeat(statSync(file).size));
      utimesSync(file, atime, mtime);
    }),
};

for (const [how, break_] of Object.entries(harm)) {
  test(`bundles that were ${how} while the runner runs are written again`, async () => {
    assert.deepEqual(await answers(), [1, 2]);
    break_();
    assert.deepEqual(await answers(), [1, 2]);
    assert.deepEqual(globSync('*.tmp', { cwd: bundles() }), []);
  });
}

test('a runner that finds an altered bundle at its start writes it again', async () => {
  await answers();
  const whole = new Map(files().map((file) => [file, readFileSync(file, 'utf8')]));
  each((file) => writeFileSync(file, 'altered'));
  const cache = openBundleCache(runtime.store, bundles());
  const rows = await runtime.store.query<{ hash: string; format: 'cjs' | 'esm' }>({
    name: 'test_bundles',
    text: 'select hash, format from cloudcode.bundles',
    values: [],
  });
  for (const { hash, format } of rows)
    await cache.files(
      hash,
      format,
      dirname(files().find((file) => file.includes(hash) && !file.endsWith('.map')) ?? ''),
    );
  for (const [file, text] of whole) assert.equal(readFileSync(file, 'utf8'), text);
});

test("a worker whose bundle is gone says so, and does not take it for the task's own error", async () => {
  const start = {
    bundle: { path: join(runtime.folder, 'none.cjs'), sourceMapPath: '', compiledFolder: '', format: 'cjs' },
  };
  await assert.rejects(loadTask(start as Parameters<typeof loadTask>[0]), { name: 'BundleGone' });
});

test('a bundle is named by the JSON of its content, also where that is hashed slice by slice', async () => {
  const texts = [
    '',
    'short',
    `${'x'.repeat(256 * 1024 - 1)}\u{1f600}after`,
    `${'\u{1f600}'.repeat(200_000)}"\\\n`,
    `${'y'.repeat(256 * 1024 - 1)}\ud83d`,
    '\udc00'.repeat(300_000),
  ];
  for (const code of texts) {
    const content = { format: 'cjs', code, sourceMap: texts[2] ?? '' } as const;
    const expected = createHash('sha256')
      .update(JSON.stringify(['cjs', content.code, content.sourceMap]))
      .digest('hex');
    assert.deepEqual([bundleHash(content), await bundleHashBesides(content)], [expected, expected]);
  }
});

test('the loop of a runner goes on while a large bundle is written and checked', async () => {
  const large = {
    format: 'cjs',
    code: `exports.run = () => 1; // ${'x'.repeat(30_000_000)}`,
    sourceMap: '{}',
  } as const;
  const hash = bundleHash(large);
  await runtime.store.query({
    name: '',
    text: 'insert into cloudcode.bundles (hash, code, source_map, format) values ($1, $2, $3, $4)',
    values: [hash, large.code, large.sourceMap, large.format],
  });
  const cache = openBundleCache(runtime.store, bundles());
  await cache.files(hash, 'cjs');
  // What was written is checked at the next use: between its first step and its last the loop comes round for each slice.
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 0);
  const [checking, other] = [cache.files(hash, 'cjs'), cache.files(hash, 'cjs')];
  await Promise.all([checking, other]);
  clearInterval(turning);
  assert.ok(turns > 20, `${turns} turns of the loop`);
  rmSync((await checking).path);
});

/** A bundle stands at the place of its task in the deployment's folder, its source map beside the compiled code. */
function files(): string[] {
  const data = join(runtime.folder, '.cloudcode');
  return globSync(['bundles/*.map', 'deployments/*/cloudcode/*/*.{cjs,mjs}'], { cwd: data }).map((name) =>
    join(data, name),
  );
}

function each(change: (file: string) => void): void {
  const all = files();
  assert.ok(all.length >= 4);
  all.forEach(change);
}
