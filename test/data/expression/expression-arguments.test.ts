import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import type { Field, FieldType, Model } from '../../../src/data/model/data-model.ts';
import { Day } from '../../../src/data/model/day.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { checkCondition } from '../../../src/data/expression/check-condition.ts';
import { checkOrder } from '../../../src/data/expression/check-order.ts';
import { databaseObjectMark } from '../../../src/engine/core/marks.ts';

function field(name: string, type: FieldType, keys: readonly (string | number)[] = []): Field {
  return { name, label: name, type, subtype: null, options: keys.map((key) => ({ key, label: String(key) })) };
}

const asset: Model = {
  name: 'asset',
  label: 'Asset',
  indexes: [],
  display: null,
  webhooks: [],
  fields: [
    field('make', 'text'),
    field('count', 'integer'),
    field('weight', 'number'),
    field('bought', 'date'),
    field('seen', 'datetime'),
    field('done', 'boolean'),
    field('condition', 'single-choice', ['good', 'bad']),
    field('level', 'single-choice-integer', [1, 2, 10]),
    field('tags', 'multiple-choice', ['red', 'green']),
    field('sizes', 'multiple-choice-integer', [38, 40]),
    field('place', 'location'),
    field('manual', 'attachment'),
    field('front', 'photo'),
  ],
  belongsTo: [{ name: 'building', model: 'building' }],
  hasMany: [{ name: 'repairs', model: 'repair', inverseOf: 'asset' }],
};

const id = '0b0e7f2a-9c1d-4e5f-8a6b-1c2d3e4f5a6b';
const object = (model: string): object => ({ id, [databaseObjectMark]: model });
const otherRealm = createContext({});

function argsOf(text: string, ...args: readonly unknown[]): unknown {
  return JSON.parse(JSON.stringify(checkCondition(asset, text, args).args));
}

function refusalOf(text: unknown, ...args: readonly unknown[]): CloudCodeError {
  try {
    checkCondition(asset, text, args);
  } catch (error) {
    if (error instanceof CloudCodeError) return error;
    throw error;
  }
  return assert.fail(`${String(text)} was accepted`);
}

describe('arguments become values of their field', () => {
  const accepted: readonly (readonly [text: string, given: unknown, value: unknown])[] = [
    ['make = ?', 'Nökia 😀', 'Nökia 😀'],
    ['make = ?', null, null],
    ['make in ?', ['a', null], ['a', null]],
    ['make in ?', new Set(['a', 'b']), ['a', 'b']],
    ['make in ?', [], []],
    ['count > ?', 5.5, 5.5],
    ['count = ?', -0, 0],
    ['count < ?', 1e300, 1e300],
    ['weight in ?', [0.1, -0], [0.1, 0]],
    ['bought = ?', new Day('2026-03-01'), '2026-03-01'],
    ['bought = ?', '0001-01-01', '0001-01-01'],
    ['bought in ?', [new Day(2024, 2, 29)], ['2024-02-29']],
    ['seen > ?', new Date('2026-03-01T09:00:00.120Z'), '2026-03-01T09:00:00.120Z'],
    ['seen > ?', runInContext('new Date(0)', otherRealm), '1970-01-01T00:00:00.000Z'],
    ['seen > ?', '2026-03-01T09:00+01:00', '2026-03-01T08:00:00.000Z'],
    ['done = ?', false, false],
    ['done in ?', [true, null], [true, null]],
    ['condition = ?', 'good', 'good'],
    ['condition < ?', 'anything', 'anything'],
    ['level in ?', [1, 10], [1, 10]],
    ['level >= ?', 3, 3],
    ['tags contains ?', 'red', 'red'],
    ['tags = ?', ['green', 'red'], ['green', 'red']],
    ['tags = ?', new Set(['green']), ['green']],
    ['tags = ?', null, null],
    ['tags contains ?', null, null],
    ['sizes contains ?', 38, 38],
    ['place = ?', null, null],
    ['manual != ?', null, null],
    ['id = ?', id.toUpperCase(), id],
    ['id in ?', [id, object('asset')], [id, id]],
    ['building = ?', object('building'), id],
    ['building_id != ?', id, id],
    ['building in ?', [object('building'), null], [id, null]],
  ];
  for (const [text, given, value] of accepted) {
    it(`${text} with ${JSON.stringify(value)}`, () => {
      assert.deepEqual(argsOf(text, given), [value]);
      assert.deepEqual(argsOf(text, value), [value], 'what travels is accepted again by the runner');
    });
  }
});

describe('a wrong argument is refused where it is', () => {
  const refused: readonly (readonly [text: string, given: unknown, message: RegExp, hint?: RegExp])[] = [
    ['make = ?', undefined, /Argument 1 is undefined/, /null for "is null"/],
    ['make in ?', ['a', undefined], /Argument 1\[1\] is undefined/],
    ['make = ?', 5, /`make` is of type text; argument 1 is 5/, /String\(value\)/],
    ['make = ?', ['a'], /Argument 1 is a list/, /`in \?`/],
    ['make in ?', 'a', /Argument 1 is "a"; `make in \?` takes an array/, /`= \?`/],
    ['make in ?', null, /takes an array/],
    ['make = ?', object('asset'), /is an object of `asset`/, /id or a belongs-to/],
    ['make = ?', 'a\0', /U\+0000/],
    ['make = ?', '\ud83d', /lone surrogate/],
    ['count = ?', '5', /`count` is of type integer; argument 1 is "5"/, /Number\(value\)/],
    ['count = ?', 5n, /BigInt/, /Number\(value\)/],
    ['count = ?', NaN, /argument 1 is NaN/],
    ['weight = ?', Infinity, /argument 1 is Infinity/],
    ['bought = ?', new Date(), /type date; argument 1 is a Date/, /Day\.from\(date\)/],
    ['bought = ?', '2026-02-30', /"2026-02-30"/, /2026-03-01/],
    ['bought = ?', '0000-01-01', /"0000-01-01"/],
    ['seen = ?', new Date(NaN), /type datetime/, /invalid Date/],
    ['seen = ?', new Day('2026-03-01'), /type datetime/, /toDate\(\)/],
    ['seen = ?', '2026-03-01', /"2026-03-01"/, /T09:00:00Z/],
    ['seen = ?', '2026-02-30T09:00:00Z', /"2026-02-30T09:00:00Z"/],
    ['seen = ?', Date.now(), /type datetime/, /Give a Date/],
    ['seen = ?', new Date(8.64e15), /type datetime/, /years 1 to 9999/],
    ['seen = ?', { [Symbol.toStringTag]: 'Date' }, /type datetime/],
    ['done = ?', 'true', /type boolean; argument 1 is "true"/, /true, false or null/],
    ['condition = ?', 'god', /no option "god"/, /Did you mean "good"/],
    ['condition in ?', ['good', 'awful'], /no option "awful" \(argument 1\[1\]\)/, /"good", "bad"/],
    ['condition = ?', 1, /single-choice; argument 1 is 1/],
    ['level = ?', 3, /no option 3/],
    ['level = ?', '1', /single-choice-integer; argument 1 is "1"/, /Number\(value\)/],
    ['tags contains ?', 'blue', /no option "blue"/],
    ['tags contains ?', ['red'], /Argument 1 is a list/],
    ['tags = ?', 'red', /takes an array/],
    ['tags = ?', ['red', null], /Argument 1\[1\] is null/],
    ['place = ?', { latitude: 1 }, /type location/, /null only/],
    ['front = ?', 'x', /type photo/, /null only/],
    ['id = ?', 'abc', /Argument 1 is "abc", which is no id/, /UUID/],
    ['id = ?', object('building'), /is an object of `building`; `id` is the id of `asset`/],
    ['building = ?', object('asset'), /is an object of `asset`; `building` refers to `building`/],
    ['building = ?', 5, /refers to `building`; argument 1 is 5/, /an object, its id, or null/],
    ['building = ?', { id }, /refers to `building`; argument 1 is an object\./],
  ];
  for (const [text, given, message, hint] of refused) {
    it(`${text} with ${typeof given === 'string' ? JSON.stringify(given) : Object.prototype.toString.call(given)}`, () => {
      const error = refusalOf(`done = ? and ${text}`, true, given);
      assert.equal(error.code, 'invalid_expression');
      assert.match(error.message.replaceAll('rgument 2', 'rgument 1'), message);
      if (hint !== undefined) assert.match(error.hint ?? '', hint);
      const [line, caret] = error.message.split('\n').slice(-2);
      assert.equal(caret?.indexOf('^'), line?.lastIndexOf('?'));
    });
  }

  it('the number of arguments', () => {
    assert.match(refusalOf('make = ?').message, /has 1 \?, and no argument was given\.\n {2}make = \?\n {9}\^$/);
    assert.match(
      refusalOf('make = ? and count = ?', 'x').message,
      /has 2 \?, and 1 argument was given\.\n.*\n {23}\^$/,
    );
    assert.match(refusalOf('make = ?', 'x', 'y').message, /has 1 \?, and 2 arguments were given/);
    assert.match(refusalOf('make = ? and count = ?', ['x', 5]).hint ?? '', /one by one/);
  });

  it('fields and operators', () => {
    const misspelt = refusalOf('done = ? and mkae = ?', true, 'x');
    assert.equal(misspelt.message, 'The model `asset` has no field `mkae`.\n  done = ? and mkae = ?\n               ^');
    assert.equal(misspelt.hint, 'Did you mean `make`?');
    assert.equal(refusalOf('Make = ?', 'x').hint, 'Did you mean `make`?');
    assert.match(refusalOf('repairs = ?', null).hint ?? '', /has-many/);
    assert.match(refusalOf('xyzzy = ?', null).hint ?? '', /There are id, make, /);
    assert.match(refusalOf('constructor = ?', null).message, /no field `constructor`/);
    const operator = refusalOf('count contains ?', 5);
    assert.equal(
      operator.message,
      '`count` is of type integer, which `contains` does not compare.\n  count contains ?\n        ^',
    );
    assert.equal(operator.hint, 'Use =, !=, <, >, <=, >=, in.');
    for (const text of [
      'building < ?',
      'done > ?',
      'tags in ?',
      'place < ?',
      'manual contains ?',
      'condition starts with ?',
      'id contains ?',
    ])
      assert.match(refusalOf(text, null).message, /does not compare/, text);
  });

  it('what is no expression', () => {
    assert.match(refusalOf({ make: 'x' }).message, /An expression is a string; this is an object/);
    assert.match(refusalOf(undefined).message, /this is undefined/);
  });
});

describe('orders', () => {
  const refusal = (...fields: readonly unknown[]): CloudCodeError => {
    try {
      checkOrder(asset, fields);
    } catch (error) {
      if (error instanceof CloudCodeError && error.code === 'invalid_order') return error;
      throw error;
    }
    return assert.fail('it was accepted');
  };

  it('names fields, ids and belongs-to, and - for descending', () => {
    assert.deepEqual(
      checkOrder(asset, ['make', '-count', 'building', '-id', 'level']).map(({ attribute, isDescending }) => [
        attribute.name,
        isDescending,
      ]),
      [
        ['make', false],
        ['count', true],
        ['building', false],
        ['id', true],
        ['level', false],
      ],
    );
  });

  it('refuses what has no order, with what to write instead', () => {
    for (const name of ['tags', 'sizes', '-place', 'manual', 'front'])
      assert.match(refusal(name).message, /has no order/);
    assert.match(refusal('mkae').hint ?? '', /Did you mean `make`/);
    assert.equal(refusal('count desc').hint, "Write orderBy('-count').");
    assert.equal(refusal('+count').hint, "Write orderBy('count').");
    assert.match(refusal('').message, /""/);
    assert.match(refusal(5).message, /names of fields; this is 5/);
    assert.match(refusal(['make']).message, /this is an array/);
    assert.match(refusal(...Array.from({ length: 21 }, () => 'make')).message, /at most 20/);
  });
});
