import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFinishedRuns } from '../../../src/engine/operations/list-finished-runs.ts';
import { listRuns, type RunPage } from '../../../src/engine/operations/list-runs.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { endOf, testStore, type TestStore } from '../../support/store.ts';

const pagesOf = async (t: TestStore, filter: object): Promise<readonly RunPage[]> => {
  const pages: RunPage[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await listRuns(t.store, 'testing', { ...filter, cursor });
    pages.push(page);
    if (page.nextCursor === null) return pages;
    cursor = page.nextCursor;
  }
};

test('a search finds texts in parameters and errors, whatever characters they have, and heeds the other filters', async () => {
  await using t = await testStore();
  const schedule = async (text: unknown, more: object = {}): Promise<string> =>
    (await scheduleRun(t.store, 'testing', { task: 'noop', parameters: { text }, ...more })).id;
  const failing = await schedule('nothing', { queue: 'q' });
  const [run] = await t.claim();
  assert.ok(run !== undefined);
  const { finishAttempt } = await import('../../../src/engine/operations/finish-attempt.ts');
  await finishAttempt(t.store, {
    ...endOf(run, 'threw'),
    error: { name: 'Error', message: 'Größe 100% of "x" is too large', stack: null },
  });
  const percent = await schedule('100% sure');
  const wild = await schedule('100 sure');
  const quoted = await schedule('say "hello"\n_twice_');
  const deep = await schedule({ list: [{ CAPITAL: 'Straße' }] }, { queue: 'q' });
  const found = async (search: string, more: object = {}): Promise<readonly string[]> => {
    const page = await listRuns(t.store, 'testing', { search, ...more });
    return page.runs.map(({ id }) => id);
  };
  assert.deepEqual(await found('größe'), [failing]);
  assert.deepEqual(await found('100% '), [percent, failing]);
  assert.deepEqual(await found('SURE'), [wild, percent]);
  assert.deepEqual(await found('"hello"\n_TWICE'), [quoted]);
  assert.deepEqual(await found('capital":"straße'), [deep]);
  assert.deepEqual(await found('a\\b'), []);
  assert.deepEqual(await found('\0'), []);
  assert.deepEqual(await found('e', { queue: 'q' }), [deep, failing]);
  assert.deepEqual(await found('large', { state: 'failed' }), [failing]);
  assert.deepEqual(await found('large', { state: 'dead' }), []);
  const both = [{ search: '' }, { search: 'x'.repeat(1_001) }, { search: 'x', cursor: '17' }, { cursor: '17-3' }];
  for (const refused of both)
    await assert.rejects(listRuns(t.store, 'testing', refused), { code: 'invalid_filter' }, JSON.stringify(refused));
});

test('a text that is stored in more than 64 KB is not looked at', async () => {
  await using t = await testStore();
  const text = `needle ${Array.from({ length: 20_000 }, (_, number) => number.toString(36)).join(' ')}`;
  await scheduleRun(t.store, 'testing', { task: 'noop', parameters: { text } });
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', parameters: { text: text.slice(0, 20_000) } });
  const page = await listRuns(t.store, 'testing', { search: 'needle' });
  assert.deepEqual([page.runs.map((run) => run.id), page.searched], [[id], 2]);
});

test('a search looks at the newest 10,000 runs of the filter, over all of its pages, and says at how many it has looked', async () => {
  await using t = await testStore();
  const insert = (task: string, count: number): Promise<unknown> =>
    t.store.query({
      name: '',
      text: `
        with inserted as (
          insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit)
          select gen_random_uuid(), ${t.environmentId}, '${task}', case when n % 100 = 1 then '{"word":"needle"}' else '{"word":"hay"}' end::json, now(), 5, 5
          from generate_series(1, ${count}) n order by n
          returning environment_id, wake_at, seq, id, due_at
        )
        insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at) select * from inserted`,
    });
  await insert('noop', 11_000);
  await insert('other', 150);
  const pages = await pagesOf(t, { search: 'needle', task: 'noop', limit: 30 });
  const found = pages.flatMap(({ runs }) => runs);
  assert.equal(found.length, 100, 'of 110');
  assert.equal(new Set(found.map(({ id }) => id)).size, 100);
  assert.deepEqual(
    pages.map(({ searched }) => searched),
    [3_000, 6_000, 9_000, 10_000],
    'up to the last one of each page',
  );
  const [few] = await pagesOf(t, { search: 'needle', task: 'other' });
  assert.deepEqual([few?.runs.length, few?.searched], [2, 150]);
  const [none] = await pagesOf(t, { search: 'nothing like it' });
  assert.deepEqual([none?.runs, none?.searched], [[], 10_000]);
});

test('a search among finished runs finds those that are listed and those that are not', async () => {
  await using t = await testStore();
  for (const word of ['one', 'two', 'three']) {
    await scheduleRun(t.store, 'testing', { task: 'noop', parameters: { word: `needle ${word}` } });
    for (const run of await t.claim()) await t.finish(run, 'returned');
    if (word === 'one') await listFinishedRuns(t.store);
  }
  const { runs, searched } = await listRuns(t.store, 'testing', { search: 'needle', state: 'succeeded' });
  assert.deepEqual([runs.length, searched], [3, 3]);
});
