import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { Attachment, isAttachment, maxFileBytes, storedAttachment } from '../../../src/data/model/attachment.ts';

describe('an Attachment', () => {
  it('has the bytes it was made of, whatever happens to them later', async () => {
    const data = Uint8Array.from([1, 2, 3, 4]);
    const attachment = new Attachment({ data: data.subarray(1, 3), filename: 'a.bin', contentType: 'image/png' });
    data.fill(0);
    assert.deepEqual([...(await attachment.bytes())], [2, 3]);
    (await attachment.bytes()).fill(9);
    assert.deepEqual([...(await attachment.bytes())], [2, 3]);
    assert.deepEqual(attachment.toJSON(), { filename: 'a.bin', contentType: 'image/png', size: 2 });
    assert.equal(JSON.stringify(attachment), '{"filename":"a.bin","contentType":"image/png","size":2}');
  });

  it('keeps text as UTF-8, exactly', async () => {
    const text = '\ufeffZoë 🐘\n';
    const attachment = new Attachment({ data: text });
    assert.equal(await attachment.text(), text);
    assert.equal(attachment.size, Buffer.byteLength(text));
    assert.equal(attachment.contentType, 'text/plain; charset=utf-8');
    assert.equal(attachment.filename, null);
    assert.equal(inspect(attachment), `Attachment (text/plain; charset=utf-8, ${attachment.size} bytes)`);
  });

  it('takes buffers of every kind, also of another realm', async () => {
    const { buffer } = Uint8Array.from([1, 2]);
    const foreign = runInNewContext('new Uint8Array([1, 2]).buffer') as ArrayBuffer;
    for (const data of [buffer, foreign, Buffer.from([1, 2]), new DataView(buffer), new Uint16Array(buffer)]) {
      assert.deepEqual([...(await new Attachment({ data }).bytes())], [1, 2]);
    }
    assert.equal(new Attachment({ data: new Uint8Array() }).size, 0);
  });

  it('may have 10 MiB and not a byte more', () => {
    assert.equal(new Attachment({ data: new Uint8Array(maxFileBytes) }).size, 10 * 1024 * 1024);
    assert.throws(() => new Attachment({ data: new Uint8Array(maxFileBytes + 1) }), {
      code: 'invalid_value',
      message: /10485761 bytes; at most 10485760 \(10 MiB\)/,
    });
    assert.throws(() => new Attachment({ data: '€'.repeat(maxFileBytes / 2) }), { code: 'invalid_value' });
  });

  it('reads stored bytes only when they are asked for', async () => {
    let reads = 0;
    const read = async (): Promise<Uint8Array> => {
      reads += 1;
      return new TextEncoder().encode('stored');
    };
    const attachment = storedAttachment({ filename: 'a', contentType: null, size: 6 }, { key: 'k', read });
    assert.equal(reads, 0);
    assert.equal(await attachment.text(), 'stored');
    assert.equal(Buffer.from(await attachment.bytes()).toString(), 'stored');
    assert.ok(attachment instanceof Attachment && isAttachment(attachment) && !isAttachment(attachment.toJSON()));
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /one object of options; this is undefined/],
    ['bytes alone', new Uint8Array(), /one object of options/],
    ['no data', {}, /is a string, a Uint8Array or an ArrayBuffer; this is undefined/],
    ['an array', { data: [1, 2] }, /this is an array/],
    ['a slip', { data: '', fileName: 'a' }, /no option `fileName`/],
    ['half a character', { data: '\ud800' }, /lone surrogate/],
    ['an empty name', { data: '', filename: '' }, /`filename`/],
    ['a name with U\\+0000', { data: '', filename: 'a\0' }, /`filename`/],
    ['a long type', { data: '', contentType: 'a'.repeat(1001) }, /`contentType` .* has 1001 characters/],
    ['a number as type', { data: '', contentType: 1 }, /`contentType` .* this is 1/],
  ];
  for (const [what, options, message] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => Reflect.construct(Attachment, [options]), { code: 'invalid_value', message });
    });
  }
});
