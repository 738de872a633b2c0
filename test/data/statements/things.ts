import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Model } from '../../../src/data/model/data-model.ts';
import { makeField, makeModel } from './open-data.ts';

/** A model with every type of field, and random objects of it. */
export const thing: Model = makeModel(
  'thing',
  [
    makeField('name', 'text'),
    makeField('contains', 'text'),
    makeField('count', 'integer'),
    makeField('weight', 'number'),
    makeField('day', 'date'),
    makeField('at', 'datetime'),
    makeField('done', 'boolean'),
    makeField('status', 'single-choice', ['good', 'Good', 'it\'s "%_\\', 'ß', '😀', 'ﬁ']),
    makeField('level', 'single-choice-integer', [-2147483648, -1, 0, 7, 2147483647]),
    makeField('tags', 'multiple-choice', ['a', 'A', 'a,b', '"', '\\', '{}', 'NULL', "'"]),
    makeField('bits', 'multiple-choice-integer', [-5, 0, 1, 2147483647]),
    makeField('place', 'location'),
    makeField('file', 'attachment'),
  ],
  [
    { name: 'owner', model: 'thing' },
    { name: 'in', model: 'thing' },
  ],
);

/** The values of an object as they travel. */
export type Thing = Readonly<Record<string, unknown>> & { readonly id: string };

export const columnsOfThing: readonly string[] = [...thing.fields.map(({ name }) => name), 'owner_id', 'in_id'];

// The embedded server's ICU knows Unicode 10, V8's a later one: letters that got a capital since then (Georgian ones, some of Latin
// Extended-D) are left out. The rest has every kind of special case: one letter that becomes several, several that become one, no way back.
const pieces = [
  'a',
  'A',
  'b',
  'B',
  'ab',
  'AB',
  'ß',
  'ẞ',
  'ss',
  'SS',
  'İ',
  'i',
  'I',
  'ı',
  'i̇',
  'ς',
  'σ',
  'Σ',
  'ﬁ',
  'fi',
  'FI',
  'ŉ',
  'ΐ',
  'ǰ',
  'Ǆ',
  'ǅ',
  'ǆ',
  '\u0345',
  'ι',
  'Ι',
  'ᾳ',
  'ſ',
  '\u212a',
  'µ',
  'μ',
  'é',
  'e\u0301',
  'É',
  '\u0301',
  '%',
  '_',
  '\\',
  '\\\\',
  "'",
  "''",
  '"',
  '?',
  '$1',
  '*',
  '.',
  ' ',
  '\n',
  '\t',
  '\u0001',
  '\u007f',
  '\u2028',
  '\u00a0',
  '中',
  '가',
  '😀',
  '👨‍👩‍👧',
  '𐐀',
  '𐐨',
  '𝒳',
  '\ufffd',
  '\uffff',
  '\ue000',
  'NULL',
  'null',
  '{',
  '}',
  "'; drop table x; --",
];

export const anyText = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...pieces) },
      { weight: 1, arbitrary: fc.constantFrom('a', 'A', 'z', 'Z', '0', ' ') },
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));
export const anyInteger = fc.oneof(
  fc.constantFrom(0, 1, -1, 5, 2147483647, -2147483648),
  fc.integer({ min: -4, max: 4 }),
  fc.integer(),
);
export const anyNumber = fc
  .oneof(
    fc.constantFrom(
      0,
      0.1,
      0.2,
      0.30000000000000004,
      1,
      -1,
      1.5,
      5e-324,
      2.2250738585072014e-308,
      1.7976931348623157e308,
      -1.7976931348623157e308,
      9007199254740992,
      1e21,
    ),
    fc.integer({ min: -5, max: 5 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  .map((number) => (number === 0 ? 0 : number));
export const anyDay = fc.oneof(
  fc.constantFrom(
    '0001-01-01',
    '0099-12-31',
    '1582-10-10',
    '1900-02-28',
    '2000-02-29',
    '2026-03-01',
    '2026-03-02',
    '9999-12-31',
  ),
  fc
    .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
);
export const anyTime = fc.oneof(
  fc.constantFrom(
    '0001-01-01T00:00:00.000Z',
    '0099-06-01T12:00:00.010Z',
    '1883-11-18T17:00:00.001Z',
    '1969-12-31T23:59:59.999Z',
    '2026-03-29T00:59:59.999Z',
    '2026-03-29T01:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ),
  fc
    .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
);
/** Few, so that references meet objects. */
const someIds: readonly string[] = Array.from({ length: 90 }, () => randomUUID());
export const anyId = fc.constantFrom(...someIds);

export function keysOf(field: string): readonly (string | number)[] {
  return thing.fields.find(({ name }) => name === field)?.options.map(({ key }) => key) ?? [];
}

function orNull<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.option(arbitrary, { freq: 5 });
}

const anyPlace = fc.record({
  latitude: fc.constantFrom(-90, 0, 89.99999999999999),
  longitude: fc.constantFrom(-180, 0.1),
  altitude: orNull(anyNumber),
  horizontal_accuracy: orNull(anyNumber),
  vertical_accuracy: orNull(anyNumber),
  timestamp: orNull(anyTime),
});

const anyFile = fc
  .record({
    key: fc.uuid(),
    filename: orNull(anyText),
    contentType: orNull(fc.constant('text/plain')),
    bytes: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ bytes, ...file }) => ({
    ...file,
    size: bytes.length,
    base64: Buffer.from(bytes).toString('base64'),
  }));

/** Objects with different ids, by their values as they are sent to the database. */
export function sampleThings(count: number, seed: number): readonly Thing[] {
  const values = fc.record({
    name: orNull(anyText),
    contains: orNull(anyText),
    count: orNull(anyInteger),
    weight: orNull(anyNumber),
    day: orNull(anyDay),
    at: orNull(anyTime),
    done: orNull(fc.boolean()),
    status: orNull(fc.constantFrom(...keysOf('status'))),
    level: orNull(fc.constantFrom(...keysOf('level'))),
    tags: orNull(fc.subarray([...keysOf('tags')])),
    bits: orNull(fc.subarray([...keysOf('bits')])),
    place: orNull(anyPlace),
    file: orNull(anyFile),
    owner_id: orNull(anyId),
    in_id: orNull(anyId),
  });
  return fc
    .sample(values, { numRuns: count, seed })
    .map((value, index) => ({ id: someIds[index] ?? randomUUID(), ...value }));
}
