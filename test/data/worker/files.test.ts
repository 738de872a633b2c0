import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Attachment, maxFileBytes } from '../../../src/data/model/attachment.ts';
import { makeField, makeModel } from '../statements/open-data.ts';
import type { Collection, Stored } from './asset-model.ts';
import { openDb, rowsOf } from './open-db.ts';

describe('a stored file', () => {
  it('keeps its bytes, name and type, and reads them only when asked', async () => {
    await using t = await openDb();
    const bytes = randomBytes(300_000);
    const asset = t.DB.asset.create({
      manual: new Attachment({ data: bytes, filename: 'manual 🐘.pdf', contentType: 'application/pdf' }),
    });
    await asset.save();
    const found = await t.DB.asset.first(asset.id);
    t.calls.length = 0;
    const manual = found?.manual;
    assert.ok(manual instanceof Attachment);
    assert.deepEqual([manual.filename, manual.contentType, manual.size], ['manual 🐘.pdf', 'application/pdf', 300_000]);
    assert.deepEqual(found?.toJSON()['manual'], {
      filename: 'manual 🐘.pdf',
      contentType: 'application/pdf',
      size: 300_000,
    });
    assert.match(inspect(found), /manual: Attachment "manual 🐘\.pdf" \(application\/pdf, 300000 bytes\)/);
    assert.equal(t.calls.length, 0);
    assert.ok(bytes.equals(await manual.bytes()));
    assert.ok(bytes.equals((await asset.manual?.bytes()) ?? Buffer.of()));
    assert.deepEqual(
      t.calls.map(({ kind }) => kind),
      ['read_file', 'read_file'],
    );
  });

  it('may have no bytes at all, or 10 MiB', async () => {
    await using t = await openDb();
    for (const size of [0, maxFileBytes]) {
      const building = t.DB.building.create({ photo: new Attachment({ data: new Uint8Array(size).fill(7) }) });
      await building.save();
      await building.reload();
      assert.equal((await building.photo?.bytes())?.length, size);
    }
  });

  it('is written when it was assigned, and only then', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ make: 'a', manual: new Attachment({ data: 'one' }) });
    await asset.save();
    t.calls.length = 0;
    const { manual } = asset;
    asset.manual = manual;
    await asset.save();
    assert.deepEqual(t.calls, []);
    asset.make = 'b';
    await asset.save();
    assert.ok(!JSON.stringify(t.calls).includes('base64'));
    asset.manual = null;
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map((row) => [row['manual.key'], row['manual.bytes']]),
      [[null, null]],
    );
  });

  it('that was replaced since it was read, cannot be read any more', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ manual: new Attachment({ data: 'one' }) });
    await asset.save();
    const twin = await t.another().asset.first(asset.id);
    asset.manual = new Attachment({ data: 'two' });
    assert.equal(await asset.manual.text(), 'two');
    await asset.save();
    await assert.rejects(twin?.manual?.text() ?? Promise.resolve(''), {
      code: 'file_replaced',
      message: /asset\.manual of .* reload\(\)/,
    });
    await twin?.reload();
    assert.equal(await twin?.manual?.text(), 'two');
  });

  it('can be given to another object, alone and in a batch', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ manual: new Attachment({ data: 'one', filename: 'a.txt' }) });
    await asset.save();
    const source = await t.another().asset.first(asset.id);
    const [alone, ...batched] = Array.from({ length: 3 }, () => t.DB.building.create({ photo: source?.manual }));
    await alone?.save();
    const batch = new t.DB.Batch();
    batched.forEach((building) => batch.save(building));
    await batch.execute();
    await asset.destroy();
    for (const building of await t.DB.building.all().toArray())
      assert.deepEqual([building.photo?.filename, await building.photo?.text()], ['a.txt', 'one']);
    const late = t.DB.building.create({ photo: source?.manual });
    await assert.rejects(late.save(), { code: 'file_replaced' });
  });

  it('goes with 5 MiB of text of the most expensive kind', async () => {
    await using t = await openDb();
    const name = '\u0001'.repeat(5 * 1024 * 1024);
    const building = t.DB.building.create({ name, photo: new Attachment({ data: new Uint8Array(maxFileBytes) }) });
    await building.save();
    await building.reload();
    assert.equal(building.name, name);
  });

  it('may come with others up to the size of a message; more are refused, and nothing is lost', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await using t = await openDb({
      models: [
        makeModel(
          'album',
          names.map((name) => makeField(name, 'photo')),
        ),
      ],
    });
    const { album: albums } = t.DB as unknown as {
      readonly album: Collection<Stored & Record<string, Attachment | null>>;
    };
    const album = albums.create(
      Object.fromEntries(names.map((name) => [name, new Attachment({ data: new Uint8Array(maxFileBytes) })])),
    );
    await assert.rejects(album.save(), {
      code: 'invalid_value',
      message: /album .* takes \d+ bytes at once; .* one by one/,
    });
    assert.equal(t.calls.length, 0);
    const last = album['e'] ?? null;
    Object.assign(album, { e: null });
    await album.save();
    Object.assign(album, { e: last });
    await album.save();
    await album.reload();
    assert.deepEqual(
      names.map((name) => album[name]?.size),
      names.map(() => maxFileBytes),
    );
  });
});
