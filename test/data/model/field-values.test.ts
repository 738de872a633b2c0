import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { Attachment } from '../../../src/data/model/attachment.ts';
import type { Field, FieldType } from '../../../src/data/model/data-model.ts';
import { Day } from '../../../src/data/model/day.ts';
import type { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { maxTextBytes } from '../../../src/data/model/check-values.ts';
import { fromWire, isSameValue, toWire } from '../../../src/data/model/field-values.ts';

function field(type: FieldType, keys: readonly (string | number)[] = []): Field {
  return { name: 'f', label: 'F', type, subtype: null, options: keys.map((key) => ({ key, label: String(key) })) };
}
const condition = field('single-choice', ['good', 'bad', 'unknown']);
const grade = field('single-choice-integer', [1, 2, 30]);
const tags = field('multiple-choice', ['red', 'green', 'blue']);
const days = field('multiple-choice-integer', [1, 2, 3]);
const place = {
  latitude: -33.92,
  longitude: 18.42,
  altitude: null,
  horizontal_accuracy: 5,
  vertical_accuracy: null,
  timestamp: '2026-03-01T00:00:00.000Z',
};
const attachment = new Attachment({ data: 'x' });

describe('a value of the right type', () => {
  const kept: readonly (readonly [Field, unknown, unknown])[] = [
    [field('text'), 'Zoë 🐘\n%_', 'Zoë 🐘\n%_'],
    [field('text'), '', ''],
    [field('text'), 'x'.repeat(maxTextBytes), 'x'.repeat(maxTextBytes)],
    [field('integer'), -2_147_483_648, -2_147_483_648],
    [field('integer'), 2_147_483_647, 2_147_483_647],
    [field('integer'), -0, 0],
    [field('number'), 1.5e300, 1.5e300],
    [field('number'), -0, 0],
    [field('boolean'), false, false],
    [field('date'), new Day(2026, 3, 1), '2026-03-01'],
    [field('datetime'), new Date(0), '1970-01-01T00:00:00.000Z'],
    [field('datetime'), runInNewContext('new Date(1)'), '1970-01-01T00:00:00.001Z'],
    [field('datetime'), new Date('0001-01-01T00:00:00Z'), '0001-01-01T00:00:00.000Z'],
    [condition, 'bad', 'bad'],
    [grade, 30, 30],
    [tags, ['blue', 'red', 'blue'], ['red', 'blue']],
    [tags, new Set(['blue', 'red']), ['red', 'blue']],
    [tags, [], []],
    [days, [3, 1], [1, 3]],
    [field('location'), { ...place, timestamp: new Date(place.timestamp) }, place],
    [
      field('location'),
      { latitude: 90, longitude: -180 },
      {
        latitude: 90,
        longitude: -180,
        altitude: null,
        horizontal_accuracy: null,
        vertical_accuracy: null,
        timestamp: null,
      },
    ],
    [field('photo'), attachment, attachment],
  ];
  for (const [of, value, wire] of kept) {
    it(`${of.type}: ${typeof value === 'string' ? `${value.length} characters` : JSON.stringify(value)}`, () => {
      const result = toWire('asset', of, value);
      assert.deepEqual(result, wire);
      assert.ok(isSameValue(result, toWire('asset', of, fromWire(of, result))), 'it reads back');
      assert.equal(toWire('asset', of, null), null);
      assert.equal(fromWire(of, null), null);
    });
  }

  it('is a copy, and what is read cannot be changed unnoticed', () => {
    const list = ['red'];
    const wire = toWire('asset', tags, list);
    list.push('blue');
    assert.deepEqual(fromWire(tags, wire), ['red']);
    assert.throws(() => (fromWire(tags, wire) as string[]).push('blue'), TypeError);
    const date = new Date(0);
    const time = toWire('asset', field('datetime'), date);
    date.setTime(1);
    (fromWire(field('datetime'), time) as Date).setTime(2);
    assert.deepEqual(fromWire(field('datetime'), time), new Date(0));
    assert.throws(
      () =>
        Object.assign(
          fromWire(
            field('location'),
            toWire('asset', field('location'), place.latitude === 0 ? null : { latitude: 1, longitude: 1 }),
          ) as object,
          { latitude: 2 },
        ),
      TypeError,
    );
  });
});

describe('a wrong value is refused with model, field and value', () => {
  const wrong: readonly (readonly [Field, unknown, RegExp])[] = [
    [field('text'), undefined, /undefined is no value\. Assign null/],
    [field('text'), 5, /5 is no text\. Convert it: String\(value\)/],
    [field('text'), 'a\0', /U\+0000/],
    [field('text'), '\ud83d', /lone surrogate/],
    [field('text'), 'x'.repeat(maxTextBytes + 1), /5242881 bytes of UTF-8/],
    [field('text'), '€'.repeat(maxTextBytes / 2), /bytes of UTF-8/],
    [field('integer'), 1.5, /1\.5 is no integer/],
    [field('integer'), 2_147_483_648, /outside the 32-bit integers/],
    [field('integer'), '7', /"7" is no number\. Convert it: Number\(value\)/],
    [field('integer'), 7n, /the BigInt 7n is no number\. Convert/],
    [field('number'), Number.NaN, /NaN is no finite number/],
    [field('number'), Infinity, /Infinity is no finite number/],
    [field('boolean'), 'true', /"true" is no boolean/],
    [field('boolean'), 0, /0 is no boolean/],
    [field('date'), new Date(), /a Date is no Day\. Assign Day\.from\(date\)/],
    [field('date'), '2026-03-01', /"2026-03-01" is no Day\. Assign new Day/],
    [field('datetime'), '2026-03-01', /is no Date\. Assign new Date/],
    [field('datetime'), new Day(2026, 3, 1), /is no Date\. Assign day\.toDate/],
    [field('datetime'), new Date(Number.NaN), /this Date is invalid/],
    [field('datetime'), new Date('+010000-01-01T00:00:00Z'), /outside the years 1 to 9999/],
    [field('datetime'), new Date('0000-12-31T23:59:59.999Z'), /outside the years 1 to 9999/],
    [condition, 'goood', /"goood" is no choice\. Did you mean "good"\?/],
    [condition, 'splendid', /The choices are "good", "bad", "unknown"\./],
    [condition, 'GOOD', /Did you mean "good"\?/],
    [grade, '30', /"30" is no choice\. Did you mean 30\?/],
    [grade, 3, /3 is no choice\. The choices are 1, 2, 30\./],
    [tags, 'red', /"red" is no array of choices/],
    [tags, ['red', 'gren'], /"gren" is no choice\. Did you mean "green"\?/],
    [tags, [null], /null is no choice/],
    [tags, { red: true }, /no array of choices/],
    [field('location'), { latitude: 91, longitude: 0 }, /its latitude is 91/],
    [field('location'), { latitude: 0 }, /its longitude is undefined/],
    [field('location'), { latitude: 0, longitude: 0, altitude: '5' }, /its altitude is "5"/],
    [field('location'), { lat: 0, longitude: 0 }, /a location has no `lat`/],
    [field('location'), { latitude: 0, longitude: 0, horizontalAccuracy: 1 }, /Did you mean `horizontal_accuracy`\?/],
    [field('location'), { latitude: 0, longitude: 0, timestamp: '2026' }, /its timestamp is "2026"/],
    [field('location'), [1, 2], /an array is no location/],
    [field('attachment'), 'text', /"text" is no Attachment/],
    [field('signature'), new Uint8Array(), /is no Attachment/],
  ];
  for (const [of, value, message] of wrong) {
    it(`${of.type}: ${message.source}`, () => {
      assert.throws(
        () => toWire('asset', of, value),
        (error: CloudCodeError) => {
          assert.equal(error.code, 'invalid_value');
          assert.ok(error.message.startsWith('asset.f: '));
          assert.match(`${error.message} ${error.hint ?? ''}`, message);
          return true;
        },
      );
    });
  }
});
