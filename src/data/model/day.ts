import { calendarDay } from './calendar-day.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';

/** Every Day carries this: a task's bundle may hold a copy of the class of its own. */
const dayMark: unique symbol = Symbol.for('cloudcode.day') as never;
const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

const dayMs = 86_400_000;
const iso = /^(\d{4})-(\d{2})-(\d{2})$/;

/**
 * A day of the calendar, without a time and without a zone: years 1 to 9999, months 1 to 12. It never changes.
 * Days compare with `<` and `>` by their order, and subtract to a number of days; for the same day ask `equals`.
 */
export class Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;

  /**
   * `new Day(2026, 3, 1)` or `new Day('2026-03-01')`.
   * @throws CloudCodeError `invalid_value` when there is no such day
   */
  constructor(...given: readonly [text: string] | readonly [year: number, month: number, day: number]) {
    const [year, month, day] = parse(given);
    this.year = year;
    this.month = month;
    this.day = day;
    Object.freeze(this);
  }

  /**
   * The day that it is now in UTC, or in a time zone.
   * @throws CloudCodeError as `from`
   */
  static today(timeZone?: string): Day {
    return Day.from(new Date(), timeZone);
  }

  /**
   * The day of a time in UTC, or in a time zone: `Day.from(date, 'Europe/Berlin')`.
   * @throws CloudCodeError `invalid_value` when it is no valid Date of the years 1 to 9999, or the zone is not known
   */
  static from(date: Date, timeZone = 'UTC'): Day {
    const time = Object.prototype.toString.call(date) === '[object Date]' ? Date.prototype.getTime.call(date) : null;
    if (time === null || Number.isNaN(time))
      throw invalid(`Day.from takes a valid Date; this is ${time === null ? describeValue(date) : 'an invalid one'}.`);
    return new Day(...calendarDay(time, timeZone));
  }

  /**
   * The day so many days later; earlier when `days` is negative.
   * @throws CloudCodeError `invalid_value` when `days` is no whole number, or outside the years 1 to 9999
   */
  addDays(days: number): Day {
    if (!Number.isSafeInteger(days))
      throw invalid(`addDays takes a whole number of days; this is ${describeValue(days)}.`);
    const date = new Date(timeOf(this.year, this.month, this.day) + days * dayMs);
    if (Number.isNaN(date.getTime()))
      throw invalid(`${this.toString()} and ${days} days is outside the years 1 to 9999.`);
    return Day.from(date);
  }

  equals(other: unknown): boolean {
    return isDay(other) && this.valueOf() === other.valueOf();
  }

  /**
   * Below 0 when this day is before the other, above 0 when it is after, 0 when they are the same: `days.sort((a, b) => a.compare(b))`.
   * @throws CloudCodeError `invalid_value` when the other is no Day
   */
  compare(other: Day): number {
    if (!isDay(other)) throw invalid(`A Day compares with a Day; this is ${describeValue(other)}.`);
    return Math.sign(this.valueOf() - other.valueOf());
  }

  /** Its midnight in UTC. */
  toDate(): Date {
    return new Date(timeOf(this.year, this.month, this.day));
  }

  /** Days since 1970-01-01: what makes `<`, `>` and `-` work. */
  valueOf(): number {
    return timeOf(this.year, this.month, this.day) / dayMs;
  }

  /** `2026-03-01`. */
  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month, 2)}-${digits(this.day, 2)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** As text everywhere but where a number is wanted: `'due ' + day` reads as one expects. */
  [Symbol.toPrimitive](hint: string): string | number {
    return hint === 'number' ? this.valueOf() : this.toString();
  }

  [inspectMark](): string {
    return `Day ${this.toString()}`;
  }

  get [dayMark](): true {
    return true;
  }
}

/** Also for a Day of another copy of this module. */
export function isDay(value: unknown): value is Day {
  return typeof value === 'object' && value !== null && dayMark in value;
}

function parse(given: readonly unknown[]): readonly [number, number, number] {
  const [first, month, day] = given;
  if (given.length === 1 && typeof first === 'string') {
    const match = iso.exec(first);
    if (match === null) throw invalid(`${describeValue(first)} is no day.`, "Write it as new Day('2026-03-01').");
    return check(Number(match[1]), Number(match[2]), Number(match[3]));
  }
  if (Object.prototype.toString.call(first) === '[object Date]')
    throw invalid(
      'A Day is not made of a Date like this.',
      "Write Day.from(date): the day of that time in UTC; Day.from(date, 'Europe/Berlin'): in a time zone.",
    );
  const isThree = given.length === 3 && given.every((part) => typeof part === 'number');
  if (!isThree)
    throw invalid(
      `A Day is made of a year, a month and a day, or of a text; this is ${given.length === 1 ? describeValue(first) : `${given.length} arguments`}.`,
      "Write new Day(2026, 3, 1) or new Day('2026-03-01').",
    );
  return check(first as number, month as number, day as number);
}

function check(year: number, month: number, day: number): readonly [number, number, number] {
  if (!Number.isInteger(year) || year < 1 || year > 9999)
    throw invalid(`The year ${year} is no whole number from 1 to 9999.`);
  if (!Number.isInteger(month) || month < 1 || month > 12)
    throw invalid(`The month ${month} is no whole number from 1 to 12.`, 'January is 1.');
  const last = new Date(timeOf(year, month + 1, 0)).getUTCDate();
  if (!Number.isInteger(day) || day < 1 || day > last)
    throw invalid(`${digits(year, 4)}-${digits(month, 2)} has days from 1 to ${last}; ${day} is none of them.`);
  return [year, month, day];
}

// Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
function timeOf(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day);
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

function invalid(message: string, hint?: string): CloudCodeError {
  return new CloudCodeError('invalid_value', message, { hint });
}
