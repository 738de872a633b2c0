import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Day, isDay } from '../../../src/data/model/day.ts';

const anyTime = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

describe('a Day is a day of the calendar, without a zone', () => {
  it('is made of numbers, of a text, and of a time in UTC', () => {
    assert.deepEqual(new Day(2026, 3, 1), new Day('2026-03-01'));
    assert.deepEqual(Day.from(new Date('2026-03-01T23:59:59.999Z')), new Day(2026, 3, 1));
    assert.equal(new Day(7, 1, 2).toString(), '0007-01-02');
    assert.equal(JSON.stringify({ due: new Day(2026, 3, 1) }), '{"due":"2026-03-01"}');
    assert.equal(inspect(new Day(2026, 3, 1)), 'Day 2026-03-01');
    assert.ok(Math.abs(Day.today().toDate().getTime() - Date.now()) <= 86_400_000);
  });

  it('every day of the years 1 to 9999 reads back, and compares as its times do', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (one, other) => {
        const [a, b] = [Day.from(one), Day.from(other)];
        assert.equal(a.toString(), one.toISOString().slice(0, 10));
        assert.deepEqual(new Day(a.toString()), a);
        assert.equal(a.toDate().toISOString(), `${a.toString()}T00:00:00.000Z`);
        assert.equal(a.compare(b), Math.sign(a.toDate().getTime() - b.toDate().getTime()));
        assert.equal(a < b, a.toString() < b.toString());
        assert.equal(a.equals(b), a.toString() === b.toString());
        assert.deepEqual(a.addDays(b.valueOf() - a.valueOf()), b);
      }),
    );
  });

  it('subtracts to days, and is text where text is wanted', () => {
    assert.equal(Number(new Day(2024, 3, 1)) - Number(new Day(2024, 2, 1)), 29);
    assert.equal('due ' + String(new Day(2026, 3, 1)), 'due 2026-03-01');
    assert.equal(
      Reflect.apply(Reflect.get(new Day(2026, 3, 1), Symbol.toPrimitive), new Day(2026, 3, 1), ['default']),
      '2026-03-01',
    );
  });

  it('never changes', () => {
    const day = new Day(2026, 3, 1);
    assert.throws(() => Object.assign(day, { month: 4 }), TypeError);
  });

  it('is known by its mark, also one of another copy of the class', async () => {
    const copy = (await import(`../../../src/data/model/day.ts?copy=${String(1)}`)) as { Day: typeof Day };
    assert.notEqual(copy.Day, Day);
    assert.ok(isDay(new copy.Day(2026, 3, 1)));
    assert.ok(new Day(2026, 3, 1).equals(new copy.Day(2026, 3, 1)));
    assert.ok(![null, '2026-03-01', new Date(), {}].some(isDay));
  });

  const wrong: readonly (readonly [readonly unknown[], RegExp])[] = [
    [['2026-3-1'], /"2026-3-1" is no day\. *$/],
    [['2026-02-29'], /2026-02 has days from 1 to 28; 29 is none/],
    [[2026, 0, 1], /The month 0 is no whole number from 1 to 12/],
    [[2026, 13, 1], /The month 13/],
    [[2026, 2, 29], /days from 1 to 28/],
    [[0, 1, 1], /The year 0/],
    [[10_000, 1, 1], /The year 10000/],
    [[2026, 1.5, 1], /The month 1.5/],
    [[Number.NaN, 1, 1], /The year NaN/],
    [['2026', 1, 1], /3 arguments/],
    [[2026, 1], /2 arguments/],
    [[2026], /this is 2026/],
    [[], /0 arguments/],
    [[null], /this is null/],
    [[new Date()], /not made of a Date/],
  ];
  for (const [given, message] of wrong) {
    it(`refuses new Day(${given
      .map((part) => inspect(part))
      .join(', ')
      .replace(/20\d\d-\d\d-\d\dT.*/, 'a Date')})`, () => {
      assert.throws(() => Reflect.construct(Day, given), { code: 'invalid_value', message });
    });
  }

  it('is that of a time in a time zone, also where its clocks change and before there were zones', () => {
    const days: readonly (readonly [time: string, zone: string, day: string])[] = [
      ['2026-03-01T23:30:00Z', 'Europe/Berlin', '2026-03-02'],
      ['2026-07-01T21:59:59.999Z', 'Europe/Berlin', '2026-07-01'],
      ['2026-07-01T22:00:00Z', 'Europe/Berlin', '2026-07-02'],
      ['2026-03-01T09:59:00Z', 'Pacific/Kiritimati', '2026-03-01'],
      ['2026-03-01T10:00:00Z', 'Pacific/Kiritimati', '2026-03-02'],
      ['2011-12-30T10:00:00Z', 'Pacific/Apia', '2011-12-31'],
      ['2026-01-01T00:00:00Z', 'america/new_york', '2025-12-31'],
      ['1500-02-28T23:00:00Z', '+02:00', '1500-03-01'],
      ['0001-01-01T12:00:00Z', 'Asia/Tokyo', '0001-01-01'],
      ['2026-03-01T23:30:00Z', 'UTC', '2026-03-01'],
    ];
    for (const [time, zone, day] of days)
      assert.equal(Day.from(new Date(time), zone).toString(), day, `${time} in ${zone}`);
    const [earliest, latest] = [Day.today('-12:00'), Day.today('Pacific/Kiritimati')];
    assert.ok(earliest < latest);
    const wrong: readonly (readonly [zone: unknown, message: RegExp])[] = [
      ['Europe/Berln', /^"Europe\/Berln" is no time zone\.$/],
      ['', /^"" is no time zone/],
      [null, /^null is no time zone/],
      [2, /^2 is no time zone/],
    ];
    for (const [zone, message] of wrong)
      assert.throws(() => Day.from(new Date(), zone as never), { code: 'invalid_value', message });
    assert.throws(() => Day.from(new Date(), 'Europe/Berln'), { hint: "Did you mean 'Europe/Berlin'?" });
    // Before the first year there.
    assert.throws(() => Day.from(new Date('0001-01-01T00:00:00Z'), 'America/New_York'), {
      code: 'invalid_value',
      message: /The year 0 /,
    });
  });

  it('refuses what leaves the calendar, and what is no day', () => {
    assert.throws(() => new Day(9999, 12, 31).addDays(1), { code: 'invalid_value' });
    assert.throws(() => new Day(1, 1, 1).addDays(-1), { code: 'invalid_value' });
    assert.throws(() => new Day(1, 1, 1).addDays(0.5), { code: 'invalid_value' });
    assert.throws(() => new Day(1, 1, 1).addDays(1e15), { code: 'invalid_value' });
    assert.throws(() => Day.from(new Date(Number.NaN)), {
      code: 'invalid_value',
      message: 'Day.from takes a valid Date; this is an invalid one.',
    });
    assert.throws(() => Day.from(new Day(2026, 3, 1) as never), {
      code: 'invalid_value',
      message: 'Day.from takes a valid Date; this is a Day.',
    });
    assert.throws(() => new Day(1, 1, 1).compare('0001-01-01' as never), { code: 'invalid_value' });
  });
});
