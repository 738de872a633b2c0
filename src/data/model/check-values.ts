import type { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { type Attachment, isAttachment } from './attachment.ts';
import { isDay } from './day.ts';

// What may be assigned to fields, and how it travels. Each takes a copy.

/** Refuses a value: `is`, then what it should be. */
export type RefuseValue = (is: string, hint?: string) => CloudCodeError;

export interface Choice {
  /** An integer for the `-integer` types. */
  readonly key: string | number;
  readonly label: string;
}

/** The most bytes of UTF-8 that a text field holds: 5 MiB. */
export const maxTextBytes = 5 * 1024 * 1024;

export function checkBoolean(value: unknown, refuse: RefuseValue): boolean {
  if (typeof value !== 'boolean') throw refuse(`${describeValue(value)} is no boolean.`, 'Assign true, false or null.');
  return value;
}

export function checkAttachment(value: unknown, refuse: RefuseValue): Attachment {
  if (!isAttachment(value))
    throw refuse(
      `${describeValue(value)} is no Attachment.`,
      'Assign new Attachment({ data, filename, contentType }).',
    );
  return value;
}

export function checkText(value: unknown, refuse: RefuseValue): string {
  if (typeof value !== 'string')
    throw refuse(
      `${describeValue(value)} is no text.`,
      typeof value === 'number' ? 'Convert it: String(value).' : undefined,
    );
  if (value.includes('\0')) throw refuse('the text holds the character U+0000, which PostgreSQL cannot store.');
  if (!value.isWellFormed())
    throw refuse(
      'the text holds a lone surrogate: it is no valid Unicode text.',
      'Most often an emoji was cut in two.',
    );
  const bytes = value.length > maxTextBytes / 3 ? Buffer.byteLength(value) : 0;
  if (bytes > maxTextBytes)
    throw refuse(
      `the text has ${bytes} bytes of UTF-8; at most ${maxTextBytes} (5 MiB) are stored.`,
      'Use a field of type attachment.',
    );
  return value;
}

export function checkNumber(value: unknown, refuse: RefuseValue): number {
  if (typeof value !== 'number')
    throw refuse(
      `${describeValue(value)} is no number.`,
      ['string', 'bigint'].includes(typeof value) ? 'Convert it: Number(value).' : undefined,
    );
  if (!Number.isFinite(value)) throw refuse(`${value} is no finite number.`);
  return value === 0 ? 0 : value;
}

export function checkInteger(value: unknown, refuse: RefuseValue): number {
  const number = checkNumber(value, refuse);
  if (!Number.isInteger(number)) throw refuse(`${number} is no integer.`, 'Round it, or make the field a number.');
  if (number < -2_147_483_648 || number > 2_147_483_647)
    throw refuse(`${number} is outside the 32-bit integers (-2147483648 to 2147483647).`, 'Make the field a number.');
  return number;
}

export function checkDay(value: unknown, refuse: RefuseValue): string {
  if (isDay(value)) return value.toString();
  throw refuse(
    `${describeValue(value)} is no Day.`,
    isDate(value) ? 'Assign Day.from(date): its day in UTC.' : "Assign new Day('2026-03-01').",
  );
}

const firstTime = new Date(0).setUTCFullYear(1, 0, 1);
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export function checkTime(value: unknown, refuse: RefuseValue): string {
  if (!isDate(value))
    throw refuse(
      `${describeValue(value)} is no Date.`,
      isDay(value) ? 'Assign day.toDate(): its midnight in UTC.' : 'Assign new Date(…).',
    );
  const time = Date.prototype.getTime.call(value);
  if (Number.isNaN(time)) throw refuse('this Date is invalid: new Date(…) could not read its argument.');
  const iso = Date.prototype.toISOString.call(value);
  if (time < firstTime || time > lastTime) throw refuse(`${iso} is outside the years 1 to 9999.`);
  return iso;
}

/** Whether the database has written it as a time of the years 1 to 9999: `2026-03-01T09:00:00.000Z`. */
export function isTimeText(wire: unknown): boolean {
  return typeof wire === 'string' && wire.length === 24 && wire[10] === 'T';
}

/** Whether it has written it as a day of those years. */
export function isDayText(wire: unknown): boolean {
  return typeof wire === 'string' && wire.length === 10 && wire[4] === '-';
}

/** Also a Date of another realm. */
export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}

/** Of integers none is "near": only the same one as text. */
export function checkChoice(value: unknown, options: readonly Choice[], refuse: RefuseValue): string | number {
  const keys = options.map(({ key }) => key);
  const found = keys.find((key) => key === value);
  if (found !== undefined) return found;
  const areTexts = keys.every((key) => typeof key === 'string');
  const like = typeof value !== 'string' ? null : areTexts ? suggest(value, keys) : value;
  const nearest = keys.find((key) => String(key) === like);
  throw refuse(
    `${describeValue(value)} is no choice.`,
    nearest === undefined ? `The choices are ${list(keys)}.` : `Did you mean ${JSON.stringify(nearest)}?`,
  );
}

/** The keys in the order of the options, each once: two values with the same keys are the same. */
export function checkChoices(
  value: unknown,
  options: readonly Choice[],
  { held, refuse }: { readonly held: readonly (string | number)[]; readonly refuse: RefuseValue },
): readonly (string | number)[] {
  const isSet = Object.prototype.toString.call(value) === '[object Set]';
  if (!Array.isArray(value) && !isSet)
    throw refuse(
      `${describeValue(value)} is no array of choices.`,
      `Assign an array such as [${JSON.stringify(options[0]?.key ?? '')}].`,
    );
  const chosen = new Set(
    [...(value as Iterable<unknown>)].map(
      (key) => held.find((one) => one === key) ?? checkChoice(key, options, refuse),
    ),
  );
  const keys = new Set([...options.map(({ key }) => key), ...held]);
  return [...keys].filter((key) => chosen.has(key));
}

function list(keys: readonly (string | number)[]): string {
  const shown = keys
    .slice(0, 20)
    .map((key) => JSON.stringify(key))
    .join(', ');
  return keys.length > 20 ? `${shown} and ${keys.length - 20} more` : shown;
}
