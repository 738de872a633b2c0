import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { readSettings } from '../../src/engine/store/embedded/settings.ts';
import { urlOf } from '../../src/engine/store/embedded/keeper.ts';
import { startCloudcode } from '../cli/cloudcode.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';
import { until, writeProject } from '../support/runtime.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

/** Every attempt takes a name that one living process can have, waits until it may end, and answers with more than a full disk takes. */
const tasks = {
  held: `
    import { appendFileSync, existsSync } from 'node:fs';
    import { createServer } from 'node:net';
    export const config = { maxAttempts: 5 };
    export async function run({ n, name, folder }: { n: number; name: string; folder: string }) {
      const note = (what: string) => appendFileSync(folder + '/notes', what + ' ' + n + '\\n');
      await new Promise<void>((resolve) => {
        createServer().once('error', () => (note('overlap'), resolve())).listen('\\0' + name + CloudCode.run.queue, () => resolve());
      });
      note('start');
      while (!existsSync(folder + '/go')) await new Promise((resolve) => setTimeout(resolve, 20));
      return { n, ballast: Array.from({ length: 40_000 }, () => Math.random()) };
    }`,
};

const inEachQueue = 3;
const queues = ['a', 'b'];
const fullMs = 6000;

test(
  'promises 1, 2 and 3: with the disk full, nothing that was confirmed is lost, nothing spins, and when there is space again all goes on by itself',
  { timeout: 240_000 },
  async (t) => {
    using disk = projectOnSmallDisk();
    if (disk === null) return t.skip('a small disk can be mounted by root only');
    const notes = mkdtempSync(join(tmpdir(), 'cloudcode-test-notes-'));
    await using system = startCloudcode([
      'start',
      '--port',
      '0',
      '--json',
      '--lease-ms',
      '120000',
      '--concurrency',
      '4',
      '--project',
      disk.project,
    ]);
    const { url } = JSON.parse((await system.says(/^\{.*\}$/m))[0]) as { url: string };
    const api = `${url}/api/v1/environments/testing/runs`;
    const name = `cloudcode-test-${randomUUID()}`;
    const schedule = (n: number, queue: string, more: Record<string, unknown> = {}): Promise<Response> =>
      fetch(api, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ task: 'held', queue, parameters: { n, name, folder: notes, ...more } }),
      });
    const show = async (id: string): Promise<Run> => (await (await fetch(`${api}/${id}`)).json()) as Run;

    const confirmed: Run[] = [];
    for (const queue of queues)
      for (let n = 0; n < inEachQueue; n += 1) confirmed.push((await (await schedule(n, queue)).json()) as Run);
    await until(30_000, 'both queues run', () => (linesOf(notes).length === queues.length ? true : null));

    disk.fill();
    const refused = await until(60_000, 'a call is refused', async () => {
      const answer = await schedule(100 + confirmed.length, 'c', { ballast: randomText(1_000_000) });
      if (answer.status !== 201) return answer;
      confirmed.push((await answer.json()) as Run);
      return null;
    });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '2');
    assert.equal(((await refused.json()) as { code: string }).code, 'database_unreachable');

    writeFileSync(join(notes, 'go'), '');
    // A server that cannot write its log of changes any more ends.
    await crashDatabase(disk.project);
    const [before, since] = [cpuTimeMs(system.child.pid ?? 0), performance.now()];
    await delay(fullMs);
    const share = (cpuTimeMs(system.child.pid ?? 0) - before) / (performance.now() - since);
    t.diagnostic(`the disk full: ${Math.round(share * 100)} % of a processor`);
    assert.ok(share < 0.3, `it spins: ${share} of a processor`);
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.ok(linesOf(notes).length <= queues.length + 1, 'no queue has gone on without the end of its run');

    disk.empty();
    const since2 = performance.now();
    for (const { id } of confirmed) {
      const run = await until(60_000, `run ${id} is finished`, async () => {
        const now = await show(id);
        return isFinal(now.state) ? now : null;
      });
      assert.equal(run.state, 'succeeded');
      assert.deepEqual(
        run.attempts.map(({ outcome }) => outcome),
        ['returned'],
        'its end was stored when there was space, and it was not tried again',
      );
    }
    t.diagnostic(`all over ${Math.round(performance.now() - since2)} ms after there was space`);
    assert.deepEqual(
      linesOf(notes).filter((line) => line.startsWith('overlap')),
      [],
    );
    rmSync(notes, { recursive: true });
  },
);

/** A project on a disk of its own; null where none can be mounted. */
function projectOnSmallDisk() {
  const disk = mountSmallDisk('300m');
  if (disk === null) return null;
  chmodSync(disk.folder, 0o755);
  const source = writeProject(tasks);
  const project = join(disk.folder, 'app');
  cpSync(source, project, { recursive: true });
  rmSync(source, { recursive: true });
  return { ...disk, project };
}

/** Has the server write until it ends because there is no space. */
async function crashDatabase(project: string): Promise<void> {
  const settings = readSettings(join(project, '.cloudcode'));
  assert.ok(settings !== null);
  const client = new pg.Client(urlOf(settings, 'cloudcode'));
  client.on('error', () => undefined);
  await client.connect();
  let failure: unknown = null;
  for (let megabytes = 0; megabytes < 500 && failure === null; megabytes += 1) {
    await client
      .query("select pg_logical_emit_message(false, 'test', repeat('x', 1000000)), pg_switch_wal()")
      .catch((error: unknown) => (failure = error));
  }
  assert.notEqual(failure, null, 'the server has ended');
  await client.end().catch(() => undefined);
}

function linesOf(notes: string): readonly string[] {
  return existsSync(join(notes, 'notes')) ? readFileSync(join(notes, 'notes'), 'utf8').trim().split('\n') : [];
}

/** Text that cannot be compressed. */
function randomText(characters: number): string {
  return randomBytes(characters / 2).toString('hex');
}
