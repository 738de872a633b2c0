import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { isAlive, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { until, writeProject } from '../support/runtime.ts';
import { startCloudcode } from './cloudcode.ts';

const tasks = { echo: 'export async function run(parameters: object) { return parameters; }' };

/** Saves a configuration that never ends. @returns the process in which it runs */
async function saveEndless(folder: string): Promise<number> {
  rmSync(join(folder, 'begun'), { force: true });
  save(
    folder,
    `import { renameSync, writeFileSync } from 'node:fs';
writeFileSync('${folder}/begun.part', String(process.pid));
renameSync('${folder}/begun.part', '${folder}/begun');
for (;;);`,
  );
  await until(60_000, 'the configuration runs', () => existsSync(join(folder, 'begun')) || null);
  return Number(readFileSync(join(folder, 'begun'), 'utf8'));
}

/** In one piece: an editor's half of a file is another save. */
function save(folder: string, config: string): void {
  writeFileSync(join(folder, 'config.part'), config);
  renameSync(join(folder, 'config.part'), join(folder, 'cloudcode.config.ts'));
}

const isGone = (pid: number): Promise<true> => until(20_000, `${pid} is gone`, () => !isAlive(readStat(pid)) || null);

describe('CLI: a build that never ends holds nothing up', { timeout: 240_000 }, () => {
  it('dev: runs are executed meanwhile, the next save ends it and is deployed, and SIGTERM ends both', async (t) => {
    const folder = writeProject(tasks);
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    await using dev = startCloudcode(['dev', '--port', '0', '--project', folder]);
    await dev.says(/Ctrl-C stops it/);

    const first = await saveEndless(folder);
    assert.ok(first !== dev.child.pid, 'it has a process of its own');
    const [url] = await dev.says(/http:\/\/127\.0\.0\.1:\d+/);
    const runs = `${url}/api/v1/environments/testing/runs`;
    const { id } = (await (
      await fetch(runs, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"task":"echo","parameters":{"a":1}}',
      })
    ).json()) as Run;
    const run = await until(30_000, 'the run is finished', async () => {
      const now = (await (await fetch(`${runs}/${id}`)).json()) as Run;
      return isFinal(now.state) ? now : null;
    });
    assert.deepEqual([run.state, run.result], ['succeeded', { a: 1 }]);
    assert.ok(isAlive(readStat(first)), 'it was still at it');

    save(folder, "export default { environments: { testing: { variables: { NEW: '1' } } } };");
    await dev.says(/deployed: .*variables/);
    await isGone(first);

    const second = await saveEndless(folder);
    dev.child.kill('SIGTERM');
    assert.equal(await dev.ended, 0, dev.stderr());
    await isGone(second);
  });

  for (const [command, status] of [
    [['start', '--port', '0'], 0],
    [['run', 'echo'], 143],
  ] as const) {
    it(`${command[0]}: SIGTERM ends the first build, and nothing was begun`, async (t) => {
      const folder = writeProject(tasks);
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const building = saveEndless(folder);
      await using started = startCloudcode([...command, '--project', folder]);
      const pid = await building;
      started.child.kill('SIGTERM');
      assert.equal(await started.ended, status, started.stderr());
      await isGone(pid);
      assert.ok(!existsSync(join(folder, '.cloudcode')));
    });
  }
});
