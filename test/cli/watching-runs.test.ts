import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

const tasks = {
  prints:
    "export async function run() { console.log('\\u001b[2Jone'); console.warn('two'); process.stdout.write('three'); }",
  throws: "export async function run() { throw new RangeError('no such order'); }",
  leaves: 'export const config = { maxAttempts: 1 };\nexport async function run() { process.exit(7); }',
  fans: "export async function run() { for (const task of ['prints', 'prints', 'throws', 'leaves']) await CloudCode.scheduleTask({ task }); }",
};

describe('CLI: what a run does can be seen', { timeout: 180_000 }, () => {
  let folder = '';
  before(() => {
    folder = writeProject(tasks);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const drain = async (...more: string[]) => {
    const finished = await cloudcode(['run', 'fans', '--drain', '--json', '--project', folder, ...more]);
    assert.equal(finished.status, 0, finished.stderr);
    const { id } = documentOf<Run>(finished);
    assert.match(finished.stderr, /^Ended besides: 1 of leaves dead, 2 of prints succeeded, 1 of throws failed\.$/m);
    assert.match(finished.stderr, /^ {2}[0-9a-f-]{36} throws failed: no such order$/m);
    assert.match(finished.stderr, /^ {2}[0-9a-f-]{36} leaves dead: .*7/m);
    assert.ok(!finished.stderr.includes(id));
  };

  it('run --drain says what followed, and what went wrong of it', async () => {
    await drain();
    const alone = await cloudcode(['run', 'prints', '--drain', '--project', folder]);
    assert.doesNotMatch(alone.stderr, /Ended/);
  });

  it('runs logs begins each line with its time', async () => {
    const run = documentOf<Run>(await cloudcode(['run', 'prints', '--json', '--project', folder]));
    const { lines } = documentOf<{ lines: { at: string }[] }>(
      await cloudcode(['runs', 'logs', run.id, '--json', '--project', folder]),
    );
    for (const more of [[], ['--follow']]) {
      const shown = await cloudcode(['runs', 'logs', run.id, '--project', folder, ...more]);
      assert.deepEqual(
        shown.stdout
          .trim()
          .split('\n')
          .map((line) => line.slice(0, 25)),
        lines.map(({ at }) => `${at} `),
      );
      assert.match(shown.stdout, /Z warn two\n.*Z three\n$/);
    }
  });

  it("dev's terminal shows the console of its runs as it comes, and their errors", async () => {
    const server: Started = startCloudcode(['dev', '--port', '0', '--project', folder]);
    try {
      await server.says(/Ctrl-C stops it/);
      await drain();
      await server.says(/^prints …\w{6} \| .*one$/m);
      await server.says(/^prints …\w{6} \| warn two$/m);
      await server.says(/^prints …\w{6} \| three$/m);
      await server.says(/^throws …\w{6} \| RangeError: no such order\n.* \| {5}at run \(.*throws\/index\.ts:1/m);
      await server.says(/^leaves …\w{6} \| .*7/m);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
});
