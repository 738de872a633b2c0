import { isDay } from '../model/day.ts';
import { isDate } from '../model/check-values.ts';

type Refuse = (hint: string | undefined) => Error;

const dateText = /^(\d{4})-(\d{2})-(\d{2})$/;
const timeText = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;
const firstTime = Date.parse('0001-01-01T00:00:00.000Z');
const lastTime = Date.parse('9999-12-31T23:59:59.999Z');

/** A date as "2026-03-01", from a Day or such a text. */
export function dateValue(value: unknown, refuse: Refuse): string {
  if (isDay(value)) return value.toString();
  if (typeof value === 'string' && isCalendarDate(value)) return value;
  throw refuse(isDate(value) ? 'Give Day.from(date): its day in UTC.' : "Give a Day or a text such as '2026-03-01'.");
}

/** A time as ISO 8601 in UTC with milliseconds, from a Date (of any realm) or a text with its offset from UTC. */
export function timeValue(value: unknown, refuse: Refuse): string {
  const time = typeof value === 'string' ? parseTime(value) : timeOf(value);
  if (time === null)
    throw refuse(
      isDay(value)
        ? 'Give day.toDate(): its midnight in UTC.'
        : "Give a Date, or a text such as '2026-03-01T09:00:00Z'.",
    );
  if (Number.isNaN(time)) throw refuse('It is an invalid Date: new Date(…) could not read its argument.');
  if (time < firstTime || time > lastTime) throw refuse('A time must lie in the years 1 to 9999.');
  return new Date(time).toISOString();
}

/** Milliseconds of a Date, NaN of an invalid one; null for what is no Date, whatever it says. */
function timeOf(value: unknown): number | null {
  try {
    return Date.prototype.getTime.call(value);
  } catch {
    return null;
  }
}

function parseTime(text: string): number | null {
  const date = timeText.exec(text)?.[1];
  const time = date !== undefined && isCalendarDate(date) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? null : time;
}

function isCalendarDate(text: string): boolean {
  const [, year, month, day] = dateText.exec(text) ?? [];
  if (year === undefined || year === '0000') return false;
  const date = new Date(Date.parse(`${text}T00:00:00.000Z`));
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}
