import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endLostAttempts } from '../../src/engine/operations/rescue-runs.ts';
import { claimRuns } from '../../src/engine/store/claim-runs.ts';
import { takeLease, readHeldAttempts } from '../../src/engine/store/runners.ts';
import { startRuntime, until } from '../support/runtime.ts';

const schema = `<data-model>
  <model name="piece"><field name="state" type="text"/><field name="photo" type="photo"/><field name="count" type="integer"/></model>
</data-model>`;

const task = `
import { existsSync, writeFileSync } from 'node:fs';
export async function run({ folder }: { folder: string }) {
  const piece = DB.piece.create({ state: 'stored', photo: new Attachment({ data: 'bytes' }) });
  await piece.save();
  const other = DB.piece.create({ state: 'other' });
  await other.save();
  const { photo } = await DB.piece.first(piece.id);
  writeFileSync(folder + '/ready', '');
  while (!existsSync(folder + '/go')) ; // a busy loop: nothing of this process's own can notice anything
  const codes: Record<string, string> = {};
  const attempt = async (name: string, call: () => Promise<unknown>) => {
    codes[name] = await call().then((value) => 'done: ' + JSON.stringify(value), (error) => error.code);
  };
  await attempt('first by id', () => DB.piece.first(piece.id));
  await attempt('first', () => DB.piece.first());
  await attempt('first of nothing', () => DB.piece.first('state = ?', 'nowhere'));
  await attempt('toArray', () => DB.piece.where('state != ?', 'x').toArray());
  await attempt('in nothing', () => DB.piece.where('state in ?', []).toArray());
  await attempt('count', () => DB.piece.all().count());
  await attempt('bytes', () => photo.bytes());
  await attempt('reload', () => other.reload());
  await attempt('save new', () => DB.piece.create({ state: 'stale' }).save());
  piece.state = 'stale';
  await attempt('save', () => piece.save());
  await attempt('save if unchanged', () => piece.save({ ifUnchanged: true }));
  await attempt('increment', () => DB.piece.increment(piece.id, { count: 1 }));
  await attempt('increment of nothing', () => DB.piece.increment(CloudCode.run.id, { count: 1 }));
  const batch = new DB.Batch();
  batch.save(piece);
  batch.save(DB.piece.create({ state: 'stale' }));
  batch.scheduleTask({ task: 'nothing' });
  await attempt('batch', () => batch.execute());
  await attempt('destroyAll', () => DB.piece.all().destroyAll());
  await attempt('destroyAll of nothing', () => DB.piece.where('state = ?', 'nowhere').destroyAll());
  await attempt('destroy', () => other.destroy());
  await attempt('scheduleTask', () => CloudCode.scheduleTask({ task: 'nothing' }));
  await attempt('scheduleTask with a key', () => CloudCode.scheduleTask({ task: 'nothing', key: 'k' }));
  await attempt('scheduleTasks', () => CloudCode.scheduleTasks([{ task: 'nothing' }, { task: 'nothing', key: 'k' }]));
  writeFileSync(folder + '/codes.json.part', JSON.stringify(codes));
  const { renameSync } = await import('node:fs');
  renameSync(folder + '/codes.json.part', folder + '/codes.json');
}`;

test(
  'promise 6: whatever a superseded attempt asks of DB and CloudCode is refused by the database, and changes nothing',
  { timeout: 60_000 },
  async () => {
    await using runtime = await startRuntime(
      { 'schema.xml': schema, stale: task, nothing: 'export async function run() {}' },
      { concurrency: 1 },
    );
    const { store, folder, runner } = runtime;
    const run = await runtime.schedule('stale', { parameters: { folder }, queue: 'q' });
    await until(15_000, 'the task is ready', () => existsSync(join(folder, 'ready')) || null);
    const pid = await until(5000, 'the pid is stored', async () => (await pidOf(run.id)) ?? null);
    process.kill(pid, 'SIGSTOP');
    try {
      // The run is taken over as if its runner's lease had run out; the runner has one slot, and it is taken.
      await endLostAttempts(
        store,
        await readHeldAttempts(store, runner.id),
        ProcessesGone.because('lease_over'),
        'taken over by the test',
      );
      const usurper = randomUUID();
      await takeLease(store, { id: usurper, host: 'elsewhere', pid: 1, processIdentity: null, leaseMs: 600_000 });
      const claimed = await until(
        15_000,
        'the run is claimed by another',
        async () => (await claimRuns(store, { runnerId: usurper, limit: 1, after: 0 }))[0] ?? null,
      );
      assert.equal(claimed.id, run.id);
      const before = await everything();
      writeFileSync(join(folder, 'go'), '');
      process.kill(pid, 'SIGCONT');
      await until(20_000, 'the task tried everything', () => existsSync(join(folder, 'codes.json')) || null);
      const codes = JSON.parse(readFileSync(join(folder, 'codes.json'), 'utf8')) as Record<string, string>;
      assert.equal(Object.keys(codes).length, 20);
      assert.deepEqual(codes, Object.fromEntries(Object.keys(codes).map((name) => [name, 'attempt_superseded'])));
      assert.deepEqual(await everything(), before);
    } finally {
      continueIfThere(pid);
    }

    async function pidOf(runId: string): Promise<number | null> {
      const [row] = await store.query<{ pid: number | null }>({
        name: '',
        text: 'select pid from cloudcode.attempts where run_id = $1',
        values: [runId],
      });
      return row?.pid ?? null;
    }
    async function everything(): Promise<unknown> {
      return store.query({
        name: '',
        text: `select (select json_agg(p order by p.id) from cloudcode_testing.piece p) as pieces, (select count(*) from cloudcode.batches) as batches,
        (select json_agg(json_build_object('id', id, 'fence', fence, 'state', state) order by id) from cloudcode.runs) as runs`,
      });
    }
  },
);

function continueIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It is over.
  }
}
