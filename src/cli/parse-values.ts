import { readFile } from 'node:fs/promises';
import { CloudCodeError } from '../engine/core/errors.ts';
import { parseJson } from '../service/api/parse-json.ts';
import { messageOf } from '../engine/core/thrown.ts';

/** A port from 0 (any that is free) to 65535. @throws CloudCodeError `wrong_usage` */
export function parsePort(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new CloudCodeError('wrong_usage', `--port is ${JSON.stringify(value)}; it must be a number from 0 to 65535.`);
}

/** @throws CloudCodeError `wrong_usage` */
export function parseWholeNumber(
  option: string,
  value: string,
  { from, to = Number.MAX_SAFE_INTEGER }: { readonly from: number; readonly to?: number },
): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= from && number <= to) return number;
  const range =
    to === Number.MAX_SAFE_INTEGER ? `a whole number from ${from} on` : `a whole number from ${from} to ${to}`;
  throw new CloudCodeError('wrong_usage', `${option} is ${JSON.stringify(value)}; it must be ${range}.`);
}

/** Milliseconds; whether they can be a delay is for the schedule request to say. @throws CloudCodeError `invalid_after` */
export function parseAfter(value: string): number {
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value)) return Number(value);
  throw new CloudCodeError(
    'invalid_after',
    `--after is ${JSON.stringify(value)}; it must be a number of milliseconds.`,
    { hint: 'For five minutes: --after 300000' },
  );
}

/** A time in ISO 8601; without an offset it is this machine's local time. @throws CloudCodeError `invalid_at` */
export async function parseAt(value: string): Promise<Date> {
  const { parseIsoTime } = await import('../service/api/iso-time.ts');
  const exact = parseIsoTime(value);
  if (exact !== null) return exact;
  const local = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?)?$/.exec(value);
  if (local !== null) {
    const time = `${local[1] ?? ''}T${local[2] ?? '00:00'}${local[3] ?? ':00'}`;
    if (parseIsoTime(`${time}Z`) !== null) return new Date(time);
  }
  throw new CloudCodeError('invalid_at', `--at is ${JSON.stringify(value)}; it must be an ISO 8601 time.`, {
    hint: 'Write it like 2026-03-01T09:00:00Z, or without Z for local time.',
  });
}

const msOfUnits: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time in ISO 8601 as parseAt reads it, or how long ago it was (`90s`, `15m`, `1h`, `7d`). @throws CloudCodeError `wrong_usage` */
export async function parseMoment(option: string, value: string): Promise<Date> {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  if (count !== undefined) return new Date(Date.now() - Number(count) * (msOfUnits[unit] ?? 0));
  try {
    return await parseAt(value);
  } catch (cause) {
    throw new CloudCodeError(
      'wrong_usage',
      `${option} is ${JSON.stringify(value)}; it must be a time, or how long ago that was.`,
      { hint: `Write it like ${option} 1h (or 90s, 15m, 7d), or ${option} 2026-03-01T09:00:00Z.`, cause },
    );
  }
}

/** JSON text, `@file` or `-` for standard input. @throws CloudCodeError `invalid_parameters`, with the place of a mistake */
export async function readParameters(value: string): Promise<unknown> {
  const source = await readSource(value);
  const parsed = parseJson(source.replace(/^\ufeff/, ''));
  if (parsed.mistake === null) return parsed.value;
  throw new CloudCodeError('invalid_parameters', `--parameters is not JSON: ${parsed.mistake}.`, {
    hint:
      value.startsWith('@') || value === '-'
        ? undefined
        : `Quote it for the shell: --parameters '{ "myvalue": 42 }'; or name a file: --parameters @file.json`,
  });
}

async function readSource(value: string): Promise<string> {
  if (value === '-') return (await import('node:stream/consumers')).text(process.stdin);
  if (!value.startsWith('@')) return value;
  try {
    return await readFile(value.slice(1), 'utf8');
  } catch (error) {
    throw new CloudCodeError('wrong_usage', `The file of --parameters cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}
