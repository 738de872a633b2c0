import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** A formatter takes long to make. There are some 450 zones, and as many names again. */
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Year, month and day of a time where clocks show the time of a zone, by the Gregorian calendar also for days before it was made.
 * @param timeZone a name of the IANA database, or an offset such as `+02:00`
 * @throws CloudCodeError `invalid_value` when the zone is not known
 */
export function calendarDay(time: number, timeZone: string): readonly [year: number, month: number, day: number] {
  if (timeZone === 'UTC') {
    const date = new Date(time);
    return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  }
  const parts = formatOf(timeZone).formatToParts(time);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? '';
  const year = Number(part('year'));
  return [part('era').startsWith('B') ? 1 - year : year, Number(part('month')), Number(part('day'))];
}

function formatOf(timeZone: unknown): Intl.DateTimeFormat {
  if (typeof timeZone !== 'string') throw unknownZone(timeZone);
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      calendar: 'gregory',
      numberingSystem: 'latn',
      timeZone,
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    });
    formats.set(timeZone, format);
    return format;
  } catch {
    throw unknownZone(timeZone);
  }
}

function unknownZone(timeZone: unknown): CloudCodeError {
  const nearest = typeof timeZone === 'string' ? suggest(timeZone, Intl.supportedValuesOf('timeZone')) : null;
  const hint = nearest === null ? "Give a name such as 'Europe/Berlin'." : `Did you mean '${nearest}'?`;
  return new CloudCodeError('invalid_value', `${describeValue(timeZone)} is no time zone.`, { hint });
}
