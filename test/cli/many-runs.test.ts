import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { openFolderStore, type OpenedStore } from '../../src/main/open-store.ts';
import { deployFolder } from '../../src/main/deploy-folder.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { changeMany } from '../../src/engine/operations/change-many.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf } from './cloudcode.ts';

interface Changed {
  readonly matched: number;
  readonly changed: number;
  readonly refused: number;
  readonly problems: readonly { readonly id: string; readonly code: string }[];
}

describe('CLI: runs retry and runs cancel with filters', { timeout: 180_000 }, () => {
  let folder = '';
  let opened: OpenedStore;
  let url = '';
  let disposeDatabase: () => Promise<void>;
  const at = new Date(Date.now() + 3_600_000);
  const command = (...args: string[]): ReturnType<typeof cloudcode> => cloudcode(['runs', ...args, '--database', url]);
  const many = async (...args: string[]): Promise<Changed> => documentOf<Changed>(await command(...args, '--json'));
  const statesOf = async (task: string): Promise<readonly string[]> =>
    documentOf<{ readonly runs: readonly Run[] }>(await command('--task', task, '--limit', '10000', '--json')).runs.map(
      ({ state }) => state,
    );
  const countOf = async (task: string, state: string): Promise<number> =>
    (await statesOf(task)).filter((each) => each === state).length;
  before(async () => {
    folder = writeProject({
      a: 'export async function run() {}',
      b: 'export async function run() {}',
      c: 'export async function run() {}',
    });
    const database = await testDatabaseUrl();
    ({ url } = database);
    disposeDatabase = () => database.dispose();
    opened = await openFolderStore({ folder, databaseUrl: url });
    await deployFolder(opened.store, { folder, environment: 'testing', deploy: 'always', onStep: () => undefined });
    for (let number = 0; number < 30; number += 1) {
      await scheduleRun(opened.store, 'testing', { task: 'a', at, ...(number < 10 ? { queue: 'q' } : {}) });
      await scheduleRun(opened.store, 'testing', { task: 'b', at, key: `key ${number}` });
    }
  });
  after(async () => {
    await opened.close();
    await disposeDatabase();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a dry run counts, and changes nothing', async () => {
    assert.deepEqual(await many('cancel', '--task', 'a', '--dry-run'), {
      matched: 30,
      changed: 0,
      refused: 0,
      problems: [],
    });
    assert.match(
      (await command('cancel', '--queue', 'q', '--dry-run')).stdout,
      /^10 runs would be cancelled\. Nothing/,
    );
    assert.equal(await countOf('a', 'scheduled'), 30);
  });

  it('all filters apply, and nothing else is touched', async () => {
    const done = await many('cancel', '--task', 'a', '--queue', 'q', '--state', 'scheduled', '--since', '1h');
    assert.deepEqual([done.matched, done.changed], [10, 10]);
    assert.deepEqual(
      [await countOf('a', 'cancelled'), await countOf('a', 'scheduled'), await countOf('b', 'scheduled')],
      [10, 20, 30],
    );
    assert.match(
      (await command('cancel', '--task', 'nothing')).stdout,
      /^There are no such runs that can be cancelled/,
    );
  });

  it('those that cannot be changed are counted, and named, and do not keep the others', async () => {
    assert.equal((await many('cancel', '--task', 'b')).changed, 30);
    for (const number of [3, 4]) await scheduleRun(opened.store, 'testing', { task: 'b', at, key: `key ${number}` });
    const { matched, changed, refused, problems } = await many('retry', '--task', 'b', '--state', 'cancelled');
    assert.deepEqual(
      [matched, changed, refused, problems.map(({ code }) => code)],
      [30, 28, 2, ['key_taken', 'key_taken']],
    );
  });

  it('interrupted and asked again, it goes on; runs that come meanwhile are left alone', async () => {
    for (let number = 0; number < 40; number += 1) await scheduleRun(opened.store, 'testing', { task: 'c', at });
    const stopping = new AbortController();
    const filter = { task: 'c' };
    const first = await changeMany(opened.store, 'testing', {
      change: 'cancel',
      filter,
      dryRun: false,
      signal: stopping.signal,
      onProgress: (step) => {
        if (step.startsWith('cancelled')) stopping.abort();
      },
    });
    assert.ok(first.changed > 0 && first.changed < 40, `${first.changed} were cancelled`);
    const rest = await many('cancel', '--task', 'c');
    assert.deepEqual([rest.matched, rest.changed], [40 - first.changed, 40 - first.changed]);
    let isFirst = true;
    await many('retry', '--task', 'c', '--state', 'cancelled');
    const again = await changeMany(opened.store, 'testing', {
      change: 'cancel',
      filter,
      dryRun: false,
      signal: new AbortController().signal,
      onProgress: (step) => {
        if (!isFirst || !step.startsWith('cancelled')) return;
        isFirst = false;
        void scheduleRun(opened.store, 'testing', { task: 'c', at });
      },
    });
    assert.deepEqual([again.matched, again.changed], [40, 40]);
    assert.deepEqual([await countOf('c', 'cancelled'), await countOf('c', 'scheduled')], [40, 1]);
  });

  it('refuses in one line what makes no sense, and changes nothing', async () => {
    const before = await statesOf('a');
    for (const [args, says] of [
      [['cancel'], /needs the ids of runs, or filters/],
      [['cancel', 'x', '--task', 'a'], /takes ids or filters, not both/],
      [['cancel', 'x', '--dry-run'], /--dry-run goes with filters/],
      [
        ['cancel', '--state', 'succeeded'],
        /Runs that are succeeded cannot be cancelled: only those that are scheduled, queued, running/,
      ],
      [['retry', '--state', 'queued'], /Runs that are queued cannot be retried/],
      [['cancel', '--state', 'queud'], /Did you mean `queued`\?/],
      [['cancel', '--task', 'a', '--limit', '3'], /option '--limit <n>' is of `runs`/],
      [['show', '--task', 'a'], /missing required argument|is of `runs`/],
    ] as const) {
      const refused = await command(...args);
      assert.equal(refused.status, 2, `${args.join(' ')}: ${refused.stdout}`);
      assert.match(refused.stderr, says);
    }
    assert.deepEqual(await statesOf('a'), before);
  });
});
