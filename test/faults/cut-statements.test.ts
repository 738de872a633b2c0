import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { readLogs } from '../../src/engine/operations/logs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';

const schema =
  '<data-model><model name="piece"><field name="state" type="text"/><field name="note" type="text"/><field name="n" type="integer"/></model></data-model>';

/** What each does once, and can be counted. */
const tasks = {
  'schema.xml': schema,
  answers: `export async function run() { return 'answer'; }`,
  says: `export async function run() { console.log('once'); await new Promise((resolve) => setTimeout(resolve, 600)); return 'said'; }`,
  schedules: `export async function run({ key }: { key?: string }) { return (await CloudCode.scheduleTask({ task: 'answers', ...(key === undefined ? {} : { key }) })).id; }`,
  schedules_many: `export async function run() { return (await CloudCode.scheduleTasks([1, 2, 3].map(() => ({ task: 'answers' })))).map(({ id }) => id); }`,
  saves: `export async function run({ state }: { state: string }) { await DB.piece.create({ state }).save(); }`,
  changes: `export async function run({ state }: { state: string }) {
    const piece = DB.piece.create({ state });
    await piece.save();
    piece.note = 'changed';
    await piece.save();
  }`,
  destroys: `export async function run({ state }: { state: string }) {
    const piece = DB.piece.create({ state });
    await piece.save();
    await piece.destroy();
  }`,
  increments: `export async function run({ state }: { state: string }) {
    const piece = DB.piece.create({ state, n: 2_147_483_000 });
    await piece.save();
    const { n } = await DB.piece.increment(piece.id, { n: 647 });
    if (n !== 2_147_483_647) throw new Error('it is ' + n);
  }`,
  saves_unchanged: `export async function run({ state }: { state: string }) {
    const piece = DB.piece.create({ state });
    await piece.save({ ifUnchanged: true });
    for (const n of [101, 102]) {
      piece.n = n;
      await piece.save({ ifUnchanged: true });
    }
  }`,
  increments_many: `export async function run({ state }: { state: string }) {
    const piece = DB.piece.create({ state, n: 1 });
    await piece.save();
    const batch = new DB.Batch();
    batch.save(piece, { ifUnchanged: true });
    for (let time = 0; time < 2; time += 1) batch.increment(DB.piece, piece.id, { n: 1 });
    batch.scheduleTask({ task: 'answers' });
    const { incremented } = await batch.execute();
    if (incremented[1].n !== 3) throw new Error(JSON.stringify(incremented));
  }`,
  batches: `export async function run({ state }: { state: string }) {
    const batch = new DB.Batch();
    for (let n = 0; n < 3; n += 1) batch.save(DB.piece.create({ state }));
    batch.scheduleTask({ task: 'answers' });
    await batch.execute();
  }`,
};

interface Case {
  /** The statement, by its name or a piece of its text. */
  readonly cut: string;
  readonly task: keyof typeof tasks;
  readonly key?: string;
  /** How many runs and objects there are then. */
  readonly children?: number;
  readonly pieces?: number;
  /** The sum of what they count. */
  readonly sum?: number;
}

const named = (name: string): string => `\0${name}\0`;
/** Claims and ends of few have names with their number. */
const claims = '\0claim_runs_';
const ends = '\0end_attempts_';
const cases: readonly Case[] = [
  { cut: claims, task: 'answers' },
  { cut: ends, task: 'answers' },
  { cut: named('renew_lease'), task: 'answers' },
  { cut: named('insert_log_lines'), task: 'says' },
  { cut: named('record_worker'), task: 'says' },
  { cut: named('insert_runs_by_attempt'), task: 'schedules', children: 1 },
  { cut: named('insert_keyed_run_by_attempt'), task: 'schedules', key: 'once', children: 1 },
  { cut: named('begin'), task: 'schedules', children: 1 },
  { cut: named('commit'), task: 'schedules', children: 1 },
  { cut: named('commit'), task: 'schedules', key: 'claimed', children: 1 },
  { cut: named('begin'), task: 'schedules_many', children: 3 },
  { cut: named('insert_batch'), task: 'schedules_many', children: 3 },
  { cut: named('insert_runs_by_attempt'), task: 'schedules_many', children: 3 },
  { cut: named('set_batch_answer'), task: 'schedules_many', children: 3 },
  { cut: named('commit'), task: 'schedules_many', children: 3 },
  { cut: 'insert into "cloudcode_testing"."piece"', task: 'saves', pieces: 1 },
  { cut: 'update "cloudcode_testing"."piece"', task: 'changes', pieces: 1 },
  { cut: 'delete from "cloudcode_testing"."piece"', task: 'destroys', pieces: 0 },
  { cut: 'insert into "cloudcode_testing"."piece"', task: 'batches', pieces: 3, children: 1 },
  { cut: named('commit'), task: 'batches', pieces: 3, children: 1 },
  { cut: '"n":647}', task: 'increments', pieces: 1, sum: 2_147_483_647 },
  { cut: '[101]', task: 'saves_unchanged', pieces: 1, sum: 102 },
  { cut: named('commit'), task: 'increments_many', pieces: 1, children: 1, sum: 3 },
];

describe(
  'promises 2 and 3: a connection that is cut at any statement leaves it done once, and nobody guesses',
  { timeout: 240_000 },
  () => {
    let stage: Stage;
    let proxy: CuttingProxy;
    let outside: Store;
    before(async () => {
      stage = await openStage(tasks);
      proxy = await startCuttingProxy(stage.url);
      outside = await openStore({ url: proxy.url });
      await stage.start({ url: proxy.url, leaseMs: 3000 });
    });
    after(async () => {
      await outside.close();
      await stage[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    });

    const count = async (text: string, values: readonly unknown[]): Promise<number> => {
      const [row] = await stage.store.query<{ count: number }>({
        name: '',
        text: `select count(*)::integer as count from ${text}`,
        values,
      });
      return row?.count ?? 0;
    };
    const counted = async (state: string): Promise<number> => {
      const [row] = await stage.store.query<{ sum: number }>({
        name: '',
        text: 'select coalesce(sum(n), 0)::integer as sum from cloudcode_testing.piece where state = $1',
        values: [state],
      });
      return row?.sum ?? 0;
    };
    const ended = (id: string): Promise<Run> =>
      until(30_000, `run ${id} is finished`, async () => {
        const now = await getRun(stage.store, 'testing', id);
        return isFinal(now.state) ? now : null;
      });

    for (const where of ['request', 'answer'] as const) {
      for (const [index, { cut, task, key, children = 0, pieces = 0, sum = 0 }] of cases.entries()) {
        it(`${task}: ${cut.replaceAll('\0', '')} is cut in its ${where}`, async () => {
          // An attempt whose claim was not answered never was; every other goes on. The claim that is cut may be one that found nothing to claim: then there is another try.
          const isLost = cut === claims && where === 'answer';
          for (let tries = 1; ; tries += 1) {
            const state = `${where} ${index} ${tries}`;
            proxy.cutAt(cut, where);
            const { id } = await scheduleRun(stage.store, 'testing', {
              task,
              queue: 'q',
              parameters: { state, ...(key === undefined ? {} : { key: `${key} ${where}` }) },
            });
            const run = await ended(id);
            // A run is claimed along with its scheduling unless another claim is under way just then.
            if (task === 'schedules' && !proxy.hasCut() && tries < 10) continue;
            await until(10_000, 'the connection was cut', () => (proxy.hasCut() ? true : null));
            assert.equal(run.state, 'succeeded');
            assert.equal(await count('cloudcode.runs where scheduled_by = $1', [id]), children);
            await until(
              30_000,
              'what it scheduled is done',
              async () =>
                (await count("cloudcode.runs where scheduled_by = $1 and state = 'succeeded'", [id])) === children ||
                null,
            );
            assert.equal(await count('cloudcode_testing.piece where state = $1', [state]), pieces);
            assert.equal(await counted(state), sum);
            if (task === 'says')
              assert.deepEqual(
                (await readLogs(stage.store, 'testing', id, 0)).lines.map(({ message }) => message),
                ['once'],
              );
            const outcomes = run.attempts.map(({ outcome }) => outcome);
            if (isLost && outcomes.length === 1 && tries < 10) continue;
            return assert.deepEqual(outcomes, isLost ? ['lost', 'returned'] : ['returned']);
          }
        });
      }

      for (const [what, options] of [
        ['a run', {}],
        ['a run with a key', { key: `outside ${where}` }],
      ] as const) {
        it(`from outside: the insertion of ${what} is cut in its ${where}`, async () => {
          proxy.cutAt(named('key' in options ? 'insert_keyed_run' : 'insert_run_in_queue'), where);
          const { id } = await scheduleRun(outside, 'testing', {
            task: 'answers',
            queue: `outside ${what} ${where}`,
            ...options,
          });
          assert.ok(proxy.hasCut());
          assert.equal((await ended(id)).result, 'answer');
          assert.equal(await count('cloudcode.runs where queue = $1', [`outside ${what} ${where}`]), 1);
        });
      }
    }
  },
);
