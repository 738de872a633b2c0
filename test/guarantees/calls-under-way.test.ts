import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { openSession } from '../../src/engine/store/open-session.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';

const count = 60;
const untilGo = `while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));`;

const tasks = {
  'schema.xml':
    '<data-model><model name="asset" label="Asset"><field name="text" label="Text" type="text:name"/></model></data-model>',
  floods: `import { existsSync, writeFileSync } from 'node:fs';
    export async function run() {
      ${untilGo}
      const calls = [];
      const text = 'x'.repeat(5_000_000);
      for (let n = 0; n < ${count}; n += 1) {
        calls.push(CloudCode.scheduleTask({ task: 'later', parameters: { n, text }, after: 3_600_000 }));
        writeFileSync('called', String(n + 1));
      }
      return new Set((await Promise.all(calls)).map(({ id }) => id)).size;
    }`,
  beside: `import { existsSync } from 'node:fs'; export async function run() { ${untilGo} return (await CloudCode.scheduleTask({ task: 'later', after: 3_600_000 })).id.length; }`,
  later: 'export async function run() {}',
  reads: `export async function run() {
      for (let n = 0; n < 3; n += 1) await DB.asset.create({ text: 'x'.repeat(1_000_000) }).save();
      const reads = [];
      for (let n = 0; n < 100; n += 1) reads.push(DB.asset.all().toArray());
      const begun = Date.now();
      while (Date.now() - begun < 3_000);
      return (await Promise.all(reads)).reduce((sum, assets) => sum + assets.length, 0);
    }`,
};

/** The most memory that a process has had so far, in MiB. */
function peakOf(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

const schedule = ({ store }: Stage, task: string): Promise<Run> => scheduleRun(store, 'testing', { task });
const ended = ({ store }: Stage, { id }: Run): Promise<Run> =>
  until(120_000, `run ${id} is finished`, async () => {
    const now = await getRun(store, 'testing', id);
    return isFinal(now.state) ? now : null;
  });

describe('what a runner holds of the calls of a worker', { skip: process.platform !== 'linux' }, () => {
  it(
    'is bounded while the database is slow: the task is held up, every call is carried out, and no other attempt is harmed',
    { timeout: 240_000 },
    async (t) => {
      await using stage = await openStage(tasks);
      const runner = await stage.start({ concurrency: 4 });
      const [floods, beside] = await Promise.all([schedule(stage, 'floods'), schedule(stage, 'beside')]);
      for (const { id } of [floods, beside])
        await until(20_000, 'it runs', async () =>
          (await getRun(stage.store, 'testing', id)).state === 'running' ? true : null,
        );
      const before = peakOf(runner.pid);
      {
        await using session = await openSession(stage.url);
        await session.query({ name: '', text: 'begin' });
        await session.query({ name: '', text: 'lock table cloudcode.runs in share row exclusive mode' });
        writeFileSync(join(stage.folder, 'go'), '');
        const called = (): number =>
          existsSync(join(stage.folder, 'called')) ? Number(readFileSync(join(stage.folder, 'called'), 'utf8')) : 0;
        let [last, looks] = [0, 0];
        await until(60_000, 'the task has made all its calls, or makes none for two seconds', () => {
          looks = called() === last && last > 0 ? looks + 1 : 0;
          last = called();
          return last === count || looks === 100 ? true : null;
        });
        assert.ok(last < count / 2, `the task was held up after ${last} calls`);
        await session.query({ name: '', text: 'rollback' });
      }
      const [flooded, other] = await Promise.all([ended(stage, floods), ended(stage, beside)]);
      assert.deepEqual(
        [flooded.result, flooded.attempts.map(({ outcome }) => outcome)],
        [count, ['returned']],
        JSON.stringify(flooded.error),
      );
      assert.deepEqual(
        [other.result, other.attempts.map(({ outcome }) => outcome)],
        [36, ['returned']],
        JSON.stringify(other.error),
      );
      const [stored] = await stage.store.query<{ count: number }>({
        name: '',
        text: `select count(*)::integer as count from cloudcode.runs where scheduled_by = '${floods.id}'`,
      });
      assert.equal(stored?.count, count);
      const grown = peakOf(runner.pid) - before;
      t.diagnostic(`the runner grew by ${Math.round(grown)} MB`);
      assert.ok(grown < 400, `the runner grew by ${Math.round(grown)} MB`);
    },
  );

  it('is bounded while a worker does not read its answers, and each of them comes', { timeout: 240_000 }, async (t) => {
    await using stage = await openStage(tasks);
    const runner = await stage.start({ concurrency: 4 });
    await ended(stage, await schedule(stage, 'later'));
    const before = peakOf(runner.pid);
    const read = await ended(stage, await schedule(stage, 'reads'));
    assert.deepEqual(
      [read.result, read.attempts.map(({ outcome }) => outcome)],
      [300, ['returned']],
      JSON.stringify(read.error),
    );
    const grown = peakOf(runner.pid) - before;
    t.diagnostic(`the runner grew by ${Math.round(grown)} MB`);
    assert.ok(grown < 250, `the runner grew by ${Math.round(grown)} MB`);
  });
});
