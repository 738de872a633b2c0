import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parse } from 'csv-parse';
import type { Options } from 'csv-parse';

/** One day at one place. Amounts are in tenths (mm, °C, m/s), as whole numbers, so that sums are exact in whatever order they are made. */
export interface WeatherDay {
  readonly location: string;
  readonly date: string;
  readonly precipitation: number;
  readonly tempMax: number;
  readonly tempMin: number;
  readonly wind: number;
  readonly weather: string;
}

/** The CSV that the npm package vega-datasets ships: 1,461 days in Seattle and as many in New York, 2012 to 2015. */
export function findWeatherFile(projectFolder: string): string {
  // The package exports no path of its data, so go by where its entry is. A task's current folder is its project's.
  const entry = createRequire(path.join(projectFolder, 'package.json')).resolve('vega-datasets');
  return path.join(path.dirname(entry), '..', 'data', 'weather.csv');
}

export async function countDays(file: string): Promise<number> {
  let count = 0;
  for await (const _record of readRecords(file, {})) count += 1;
  return count;
}

/** The days of the rows `offset` to `offset + limit - 1` of the file, and nothing read beyond them. */
export async function readDays(
  file: string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<WeatherDay[]> {
  const days: WeatherDay[] = [];
  let row = offset;
  for await (const record of readRecords(file, { from: offset + 1, to: offset + limit })) {
    row += 1;
    days.push(parseDay(record, row));
  }
  return days;
}

function readRecords(file: string, options: Options): AsyncIterable<Record<string, string>> {
  const input = createReadStream(file);
  const parser = parse({ columns: true, skip_empty_lines: true, ...options });
  input.on('error', (error) => parser.destroy(error));
  parser.on('close', () => input.destroy());
  return input.pipe(parser);
}

function parseDay(record: Record<string, string>, row: number): WeatherDay {
  const text = (column: string): string => {
    const value = record[column];
    if (value === undefined || value === '') throw new Error(`row ${row} of the CSV has no "${column}"`);
    return value;
  };
  const tenths = (column: string): number => {
    const value = Math.round(Number(text(column)) * 10);
    if (!Number.isFinite(value)) throw new Error(`row ${row} of the CSV: "${column}" is no number: ${text(column)}`);
    return value;
  };
  const date = text('date');
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`row ${row} of the CSV: "date" is no date: ${date}`);
  return {
    location: text('location'),
    date,
    weather: text('weather'),
    precipitation: tenths('precipitation'),
    tempMax: tenths('temp_max'),
    tempMin: tenths('temp_min'),
    wind: tenths('wind'),
  };
}
