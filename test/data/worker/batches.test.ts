import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { openDb, rowsOf, type TestDb } from './open-db.ts';

/** What the last execute sent: a text for each statement, in parts. */
function sent({ calls }: TestDb): readonly (readonly string[])[] {
  return calls.flatMap((call) =>
    call.kind !== 'write'
      ? []
      : [
          call.operations.map((operation) => {
            if (operation.do === 'schedule') return `schedule ${operation.runs.length}`;
            return operation.do === 'destroy_all'
              ? 'destroy_all'
              : `${operation.do} ${operation.ids.length} ${operation.model}`;
          }),
        ],
  );
}
async function scheduledTasks({ data }: TestDb): Promise<readonly string[]> {
  const rows = await data.store.query<{ id: string }>({
    name: '',
    text: 'select id from cloudcode.runs where scheduled_by is not null order by seq',
  });
  return rows.map(({ id }) => id);
}

describe('a batch', () => {
  it('writes objects of many kinds and schedules runs, in few statements', async () => {
    await using t = await openDb();
    const old = Array.from({ length: 4 }, (_, count) => t.DB.asset.create({ count }));
    const first = new t.DB.Batch();
    old.forEach((asset) => first.save(asset));
    assert.deepEqual(await first.execute(), { scheduled: [], incremented: [] });
    t.calls.length = 0;
    const batch = new t.DB.Batch();
    for (const asset of old) {
      batch.save(t.DB.building.create());
      batch.scheduleTask({ task: 'noop', parameters: { count: asset.count } });
      if (asset.count === 3) batch.destroy(asset);
      else batch.save(Object.assign(asset, { make: 'b' }));
    }
    assert.equal(inspect(batch), 'DB.Batch (7 to save, 0 to increment, 1 to destroy, 4 to schedule)');
    const { scheduled } = await batch.execute();
    assert.deepEqual(sent(t), [['insert 4 building', 'update 3 asset', 'destroy 1 asset', 'schedule 4']]);
    assert.deepEqual(
      scheduled.map(({ id }) => id),
      await scheduledTasks(t),
    );
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make, count }) => [make, count]),
      [
        ['b', 0],
        ['b', 1],
        ['b', 2],
      ],
    );
    t.calls.length = 0;
    for (const asset of old.slice(0, 3)) await asset.save();
    assert.deepEqual(await batch.execute(), { scheduled: [], incremented: [] });
    assert.deepEqual(t.calls, []);
  });

  it('writes of an object what it holds when it is executed, once', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ count: 1 });
    const batch = new t.DB.Batch();
    batch.save(asset);
    asset.count = 2;
    batch.save(asset);
    asset.count = 3;
    const executing = batch.execute();
    asset.count = 4;
    await executing;
    assert.deepEqual(sent(t), [['insert 1 asset']]);
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ count }) => count),
      [3],
    );
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ count }) => count),
      [4],
    );
  });

  it('takes the options of a run when scheduleTask is called', async () => {
    await using t = await openDb();
    const batch = new t.DB.Batch();
    const parameters = { count: 1 };
    batch.scheduleTask({ task: 'noop', parameters, key: 'k', queue: 'q', after: 5 });
    parameters.count = 2;
    assert.throws(() => batch.scheduleTask({ task: 'noop', prameters: {} }), {
      code: 'unknown_option',
      message: /Did you mean `parameters`/,
    });
    assert.throws(() => batch.scheduleTask({ task: 'noop', parameters: { asset: t.DB.asset.create() } }), {
      code: 'invalid_parameters',
    });
    await batch.execute();
    const [call] = t.calls;
    const operation = call?.kind === 'write' ? call.operations[0] : undefined;
    const run = operation?.do === 'schedule' ? operation.runs[0] : undefined;
    assert.deepEqual(
      { ...run, id: '' },
      { id: '', task: 'noop', parametersJson: '{"count":1}', at: null, afterMs: 5, queue: 'q', key: 'k' },
    );
  });

  it('destroys what it has saved, and nothing that was never stored', async () => {
    await using t = await openDb();
    const [kept, gone, never] = [t.DB.asset.create(), t.DB.asset.create(), t.DB.asset.create()];
    const batch = new t.DB.Batch();
    batch.save(kept);
    batch.save(gone);
    batch.destroy(gone);
    batch.destroy(gone);
    batch.destroy(never);
    assert.throws(() => batch.save(gone), { code: 'object_destroyed', message: /destroyed by this batch already/ });
    await batch.execute();
    assert.deepEqual(sent(t), [['insert 2 asset', 'destroy 1 asset']]);
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ id }) => id),
      [kept.id],
    );
    for (const asset of [gone, never]) await assert.rejects(asset.save(), { code: 'object_destroyed' });
    assert.throws(() => new t.DB.Batch().save(gone), { code: 'object_destroyed' });
  });

  it('is refused whole when one object was destroyed elsewhere, and its objects stay changed', async () => {
    await using t = await openDb();
    const [gone, other] = [t.DB.asset.create({ count: 1 }), t.DB.asset.create({ count: 1 })];
    await Promise.all([gone.save(), other.save()]);
    const twin = await t.another().asset.first(gone.id);
    await twin?.destroy();
    const fresh = t.DB.asset.create();
    const batch = new t.DB.Batch();
    for (const asset of [other, gone]) batch.save(Object.assign(asset, { count: 2 }));
    batch.save(fresh);
    batch.scheduleTask({ task: 'noop' });
    for (let again = 0; again < 2; again += 1)
      await assert.rejects(batch.execute(), { code: 'object_destroyed', message: new RegExp(gone.id) });
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ count }) => count),
      [1],
    );
    assert.deepEqual(await scheduledTasks(t), []);
    await Promise.all([other.save(), fresh.save()]);
    assert.equal((await rowsOf(t.data, 'asset')).length, 2);
  });

  it('cannot be half done by an unknown task', async () => {
    await using t = await openDb();
    const batch = new t.DB.Batch();
    batch.save(t.DB.asset.create());
    batch.scheduleTask({ task: 'nope' });
    await assert.rejects(batch.execute(), { code: 'unknown_task' });
    assert.deepEqual(await rowsOf(t.data, 'asset'), []);
  });

  it('that was carried out though its answer was lost, is not carried out twice', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ count: 1 });
    const batch = new t.DB.Batch();
    batch.save(asset);
    batch.scheduleTask({ task: 'noop' });
    t.faults.push({ when: 'after', code: 'database_unreachable' }, { when: 'before', code: 'database_unreachable' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    assert.throws(() => batch.save(asset), { code: 'batch_pending', message: /Call execute\(\) again/ });
    assert.throws(() => batch.scheduleTask({ task: 'noop' }), { code: 'batch_pending' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    asset.count = 2;
    const { scheduled } = await batch.execute();
    assert.deepEqual(
      scheduled.map(({ id }) => id),
      await scheduledTasks(t),
    );
    assert.equal(scheduled.length, 1);
    assert.equal(new Set(t.calls.map((call) => JSON.stringify(call))).size, 1);
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ count }) => count),
      [1],
    );
    batch.save(asset);
    await batch.execute();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ count }) => count),
      [2],
    );
  });

  it('that destroys one object may lose its answer too', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create();
    await asset.save();
    const batch = new t.DB.Batch();
    batch.destroy(asset);
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    assert.deepEqual(await batch.execute(), { scheduled: [], incremented: [] });
  });

  it('of many rows goes in several parts, all or none of them, and is sent again by itself', async () => {
    await using t = await openDb();
    const make = 'x'.repeat(4000);
    const batch = new t.DB.Batch();
    for (let count = 0; count < 3000; count += 1) batch.save(t.DB.asset.create({ make, count }));
    t.faults.push({ when: 'after', code: 'database_unreachable' }, { when: 'after', code: 'batch_interrupted' });
    await batch.execute();
    const parts = t.calls.map((call) => (call.kind === 'write' ? call.part : -1));
    assert.deepEqual(parts.slice(0, 5), [0, 0, 0, 1, 2]);
    assert.deepEqual(
      sent(t)
        .slice(2)
        .flat()
        .reduce((sum, each) => sum + Number(each.split(' ')[1]), 0),
      3000,
    );
    assert.equal(await t.DB.asset.all().count(), 3000);
  });

  it('waits for a save of the same object that is under way, and the other way round', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ count: 1 });
    const saving = asset.save();
    asset.count = 2;
    const batch = new t.DB.Batch();
    batch.save(asset);
    batch.save(t.DB.asset.create());
    const executing = batch.execute();
    asset.count = 3;
    const savingAgain = asset.save();
    assert.throws(() => batch.save(asset), { code: 'batch_pending', message: /is being executed/ });
    assert.deepEqual(await Promise.all([executing, batch.execute()]), [
      { scheduled: [], incremented: [] },
      { scheduled: [], incremented: [] },
    ]);
    await Promise.all([saving, savingAgain]);
    assert.equal((await t.another().asset.first(asset.id))?.count, 3);
  });

  it('two at once on the same objects: one after the other, whatever their order', async () => {
    await using t = await openDb();
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const asset = t.DB.asset.create();
        await asset.save();
        return asset.id;
      }),
    );
    const views = await Promise.all(
      [t.another(), t.another()].map(async (db) => ({ db, assets: await db.asset.where('id in ?', ids).toArray() })),
    );
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        views.map(async ({ db, assets }, view) => {
          const batch = new db.Batch();
          for (const asset of view === 0 ? assets : assets.toReversed())
            batch.save(
              Object.assign(
                asset,
                view === 0 ? { count: round, make: `0 ${round}` } : { count: -round, make: `1 ${round}` },
              ),
            );
          await batch.execute();
        }),
      );
      const makes = new Set((await rowsOf(t.data, 'asset')).map(({ make }) => make));
      assert.equal(makes.size, 1);
    }
  });

  it('refuses what is no object', async () => {
    await using t = await openDb();
    const batch = new t.DB.Batch();
    assert.throws(() => batch.save([t.DB.asset.create()] as never), {
      code: 'invalid_value',
      message: /Call it for each/,
    });
    assert.throws(() => batch.destroy(t.DB.asset.first() as never), {
      code: 'invalid_value',
      message: /Await it first/,
    });
    assert.throws(() => batch.save(null as never), {
      code: 'invalid_value',
      message: /batch\.save takes an object of the data model; this is null/,
    });
    assert.throws(() => Reflect.construct(t.DB.Batch, [[]]), { code: 'invalid_value', message: /takes no arguments/ });
  });
});
