import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { watchProject } from '../../src/project/watch-project.ts';
import { makeFolder } from './make-folder.ts';

async function startWatch(t: TestContext, folder: string) {
  const told: (readonly string[])[] = [];
  let wake = (): void => undefined;
  const watch = watchProject(folder, (files) => {
    told.push(files);
    wake();
  });
  t.after(() => watch.close());
  await watch.ready;
  const next = async (): Promise<readonly string[]> => {
    const timeout = AbortSignal.timeout(10_000);
    while (told.length === 0) {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        timeout.addEventListener('abort', () => reject(new Error('No change was told within 10 s.')), { once: true });
      });
    }
    return told.shift() ?? [];
  };
  return { watch, next, told };
}

/** Writes the files at one instant for a watch in this process: it sees none of them empty, and no pause between them. */
function change(folder: string, texts: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const files = { 'cloudcode/a/index.ts': 'export const run = 1;', 'package.json': '{}' };

describe('watchProject', () => {
  it('tells of a changed, a new and a removed task, of the configuration and of the data model', async (t) => {
    const folder = await makeFolder(t, files);
    const { next } = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': 'export const run = 2;' });
    assert.deepEqual(await next(), ['cloudcode/a/index.ts']);
    change(folder, { 'cloudcode.config.ts': 'export default {};' });
    assert.deepEqual(await next(), ['cloudcode.config.ts']);
    change(folder, { 'schema.xml': '<data-model/>' });
    assert.deepEqual(await next(), ['schema.xml']);
    await rm(join(folder, 'schema.xml'));
    assert.deepEqual(await next(), ['schema.xml']);
    change(folder, { 'data-model.ts': 'export default {};' });
    assert.deepEqual(await next(), ['data-model.ts']);
    change(folder, { 'cloudcode/new/index.ts': '' });
    // On a busy machine its folder may be told of before.
    while (!(await next()).includes('cloudcode/new/index.ts'));
    await rm(join(folder, 'cloudcode/new'), { recursive: true });
    assert.ok((await next()).some((file) => file.startsWith('cloudcode/new')));
  });

  it('tells of many changes at once in one call', async (t) => {
    const folder = await makeFolder(t, files);
    const { next, told } = await startWatch(t, folder);
    change(folder, Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`cloudcode/a/${number}.ts`, ''])));
    assert.equal((await next()).filter((file) => file.endsWith('.ts')).length, 20);
    assert.equal(told.length, 0);
  });

  it('does not wake up for what tasks and tools write', async (t) => {
    const folder = await makeFolder(t, { ...files, '.cloudcode/x': '', '.git/x': '', 'node_modules/x': '', 'cloudcode/node_modules/x/x': '' });
    const { next } = await startWatch(t, folder);
    const noise = ['.cloudcode/x', '.git/x', 'node_modules/x', 'cloudcode/node_modules/x/x', 'results.json', 'cloudcode-env.d.ts', 'data/big.csv'];
    change(folder, Object.fromEntries(noise.map((path) => [path, 'changed'])));
    change(folder, { 'package.json': '{ "name": "x" }' });
    assert.deepEqual(await next(), ['package.json']);
  });

  it('never calls again while a call is under way, and loses no change meanwhile', async (t) => {
    const folder = await makeFolder(t, files);
    const entered = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    const second = Promise.withResolvers<readonly string[]>();
    let calls = 0;
    let atOnce = 0;
    const watch = watchProject(folder, async (changed) => {
      calls += 1;
      atOnce += 1;
      assert.equal(atOnce, 1);
      if (calls === 1) {
        entered.resolve(undefined);
        await release.promise;
      } else second.resolve(changed);
      atOnce -= 1;
    });
    t.after(() => watch.close());
    await watch.ready;
    change(folder, { 'cloudcode/a/index.ts': '//' });
    await entered.promise;
    change(folder, { 'cloudcode/a/other.ts': '//' });
    release.resolve(undefined);
    assert.deepEqual(await second.promise, ['cloudcode/a/other.ts']);
  });

  it('is silent once closed', async (t) => {
    const folder = await makeFolder(t, files);
    const { watch, told } = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': '//' });
    await watch.close();
    const before = told.length;
    change(folder, { 'cloudcode/a/index.ts': '// again' });
    // Another watch that has told of a later change shows that the first had its time.
    const other = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': '// and again' });
    await other.next();
    assert.equal(told.length, before);
  });
});
