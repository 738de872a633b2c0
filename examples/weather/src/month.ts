import type { WeatherDay } from './weather-file.ts';

/** What is known of one month at one place: of all its days, or of those that one piece of the file held. Tenths, as in WeatherDay. */
export interface Month {
  readonly location: string;
  /** `2012-01` */
  readonly month: string;
  readonly days: number;
  readonly precipitation: number;
  readonly wetDays: number;
  readonly tempMaxSum: number;
  readonly tempMinSum: number;
  readonly tempHighest: number;
  readonly tempLowest: number;
  readonly windSum: number;
}

/** The days by place and month, in the order of the file. */
export function splitIntoMonths(days: readonly WeatherDay[]): WeatherDay[][] {
  return [...Map.groupBy(days, (day) => `${day.location} ${monthOf(day)}`).values()];
}

/** The name of a month's summary from one piece of the file: the same each time, so that writing it twice changes nothing. */
export function partialName(piece: number, days: readonly WeatherDay[]): string {
  const first = firstOf(days);
  return `${piece}-${first.location.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${monthOf(first)}`;
}

export function summariseMonth(days: readonly WeatherDay[]): Month {
  const first = firstOf(days);
  const sum = (pick: (day: WeatherDay) => number): number => days.reduce((total, day) => total + pick(day), 0);
  return {
    location: first.location,
    month: monthOf(first),
    days: days.length,
    precipitation: sum((day) => day.precipitation),
    wetDays: days.filter((day) => day.precipitation > 0).length,
    tempMaxSum: sum((day) => day.tempMax),
    tempMinSum: sum((day) => day.tempMin),
    tempHighest: Math.max(...days.map((day) => day.tempMax)),
    tempLowest: Math.min(...days.map((day) => day.tempMin)),
    windSum: sum((day) => day.wind),
  };
}

/** Whole months from parts of them: a month that two pieces of the file shared becomes one. Sorted by place and time. */
export function mergeMonths(partials: readonly Month[]): Month[] {
  const merged = new Map<string, Month>();
  for (const part of partials) {
    const key = `${part.location} ${part.month}`;
    const other = merged.get(key);
    merged.set(key, other === undefined ? part : addMonths(other, part));
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, month]) => month);
}

function addMonths(a: Month, b: Month): Month {
  return {
    location: a.location,
    month: a.month,
    days: a.days + b.days,
    precipitation: a.precipitation + b.precipitation,
    wetDays: a.wetDays + b.wetDays,
    tempMaxSum: a.tempMaxSum + b.tempMaxSum,
    tempMinSum: a.tempMinSum + b.tempMinSum,
    tempHighest: Math.max(a.tempHighest, b.tempHighest),
    tempLowest: Math.min(a.tempLowest, b.tempLowest),
    windSum: a.windSum + b.windSum,
  };
}

function monthOf(day: WeatherDay): string {
  return day.date.slice(0, 7);
}

function firstOf(days: readonly WeatherDay[]): WeatherDay {
  const first = days[0];
  if (first === undefined) throw new Error('a month without a day cannot be summarised');
  return first;
}
