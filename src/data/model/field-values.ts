import { type Attachment, isAttachment } from './attachment.ts';
import type { Field } from './data-model.ts';
import { Day, isDay } from './day.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import {
  isReadableLocation,
  isTimeText,
  type Location,
  locationFromWire,
  locationToWire,
  type WireLocation,
} from './field-location.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { toJson } from '../../engine/core/to-json.ts';

/** The most bytes of UTF-8 that a text field holds: 5 MiB. */
export const maxTextBytes = 5 * 1024 * 1024;

/** A checked value, which nobody changes: as it travels, but for a file, which stays an Attachment until its bytes are needed. */
export type FieldWire = string | number | boolean | null | readonly (string | number)[] | WireLocation | Attachment;

/** A value as a task sees it. */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | Day
  | Date
  | Attachment
  | Location
  | readonly (string | number)[];

/** Refuses a value: `is`, then what it should be. */
export type RefuseValue = (is: string, hint?: string) => CloudCodeError;

/**
 * Checks a value that is assigned to a field of a model, and takes a copy of it. Of a choice, what the object has already is taken too, whatever the options are now.
 * @throws CloudCodeError `invalid_value`, naming model, field and value
 */
export function toWire(model: string, field: Field, value: unknown, held: FieldWire = null): FieldWire {
  if (value === null) return null;
  const refuse: RefuseValue = (is, hint) =>
    new CloudCodeError('invalid_value', `${model}.${field.name}: ${is}`, { hint });
  if (value === undefined) throw refuse('undefined is no value.', 'Assign null to empty the field.');
  switch (field.type) {
    case 'text':
      return checkText(value, refuse);
    case 'integer':
      return checkInteger(value, refuse);
    case 'number':
      return checkNumber(value, refuse);
    case 'boolean':
      if (typeof value !== 'boolean')
        throw refuse(`${describeValue(value)} is no boolean.`, 'Assign true, false or null.');
      return value;
    case 'date':
      return checkDay(value, refuse);
    case 'datetime':
      return checkTime(value, refuse);
    case 'single-choice':
    case 'single-choice-integer':
      return value === held ? held : checkChoice(value, field, refuse);
    case 'multiple-choice':
    case 'multiple-choice-integer':
      return checkChoices(value, field, {
        held: Array.isArray(held) ? (held as readonly (string | number)[]) : [],
        refuse,
      });
    case 'location':
      return locationToWire(value, refuse);
    case 'attachment':
    case 'photo':
    case 'signature':
      if (!isAttachment(value))
        throw refuse(
          `${describeValue(value)} is no Attachment.`,
          'Assign new Attachment({ data, filename, contentType }).',
        );
      return value;
  }
}

/** The value that a task sees: a copy, or one that cannot be changed. */
export function fromWire(field: Field, wire: FieldWire): FieldValue {
  if (wire === null) return null;
  if (typeof wire === 'string')
    return field.type === 'date' ? new Day(wire) : field.type === 'datetime' ? new Date(wire) : wire;
  if (typeof wire !== 'object' || isAttachment(wire)) return wire;
  return isList(wire) ? Object.freeze([...wire]) : locationFromWire(wire);
}

/**
 * Whether a stored value is one of its field, and can be read: other programs may have stored NaN, `infinity` or a year before Christ, which come as text. A list or key is one, whatever the options
 * are now.
 */
export function isReadable({ type }: Field, wire: unknown): boolean {
  if (wire === null) return true;
  switch (type) {
    case 'integer':
    case 'number':
      return typeof wire === 'number';
    case 'date':
      return typeof wire === 'string' && wire.length === 10 && wire[4] === '-';
    case 'datetime':
      return isTimeText(wire);
    case 'location':
      return isReadableLocation(wire);
    case 'text':
    case 'boolean':
    case 'single-choice':
    case 'single-choice-integer':
    case 'multiple-choice':
    case 'multiple-choice-integer':
    case 'attachment':
    case 'photo':
    case 'signature':
      return true;
  }
}

/** Whether two checked values of one field are the same. */
export function isSameValue(one: FieldWire, other: FieldWire): boolean {
  if (one === other) return true;
  if (
    typeof one !== 'object' ||
    typeof other !== 'object' ||
    one === null ||
    other === null ||
    isAttachment(one) ||
    isAttachment(other)
  )
    return false;
  return toJson(one) === toJson(other);
}

function isList(wire: WireLocation | readonly (string | number)[]): wire is readonly (string | number)[] {
  return Array.isArray(wire);
}

function checkText(value: unknown, refuse: RefuseValue): string {
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

function checkNumber(value: unknown, refuse: RefuseValue): number {
  if (typeof value !== 'number')
    throw refuse(
      `${describeValue(value)} is no number.`,
      ['string', 'bigint'].includes(typeof value) ? 'Convert it: Number(value).' : undefined,
    );
  if (!Number.isFinite(value)) throw refuse(`${value} is no finite number.`);
  return value === 0 ? 0 : value;
}

function checkInteger(value: unknown, refuse: RefuseValue): number {
  const number = checkNumber(value, refuse);
  if (!Number.isInteger(number)) throw refuse(`${number} is no integer.`, 'Round it, or make the field a number.');
  if (number < -2_147_483_648 || number > 2_147_483_647)
    throw refuse(`${number} is outside the 32-bit integers (-2147483648 to 2147483647).`, 'Make the field a number.');
  return number;
}

function checkDay(value: unknown, refuse: RefuseValue): string {
  if (isDay(value)) return value.toString();
  throw refuse(
    `${describeValue(value)} is no Day.`,
    isDate(value) ? 'Assign Day.from(date): its day in UTC.' : "Assign new Day('2026-03-01').",
  );
}

const firstTime = new Date(0).setUTCFullYear(1, 0, 1);
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function checkTime(value: unknown, refuse: RefuseValue): string {
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

/** Also a Date of another realm. */
export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}

function checkChoice(value: unknown, field: Field, refuse: RefuseValue): string | number {
  const keys = field.options.map(({ key }) => key);
  const found = keys.find((key) => key === value);
  if (found !== undefined) return found;
  // Of integers none is "near": only the same one as text.
  const like =
    typeof value === 'string' && field.type.endsWith('choice')
      ? suggest(value, keys.map(String))
      : typeof value === 'string'
        ? value
        : null;
  const nearest = keys.find((key) => String(key) === like);
  throw refuse(
    `${describeValue(value)} is no choice.`,
    nearest === undefined ? `The choices are ${list(keys)}.` : `Did you mean ${JSON.stringify(nearest)}?`,
  );
}

/** The keys in the order of the options, each once: two values with the same keys are the same. */
function checkChoices(
  value: unknown,
  field: Field,
  { held, refuse }: { readonly held: readonly (string | number)[]; readonly refuse: RefuseValue },
): readonly (string | number)[] {
  const isSet = Object.prototype.toString.call(value) === '[object Set]';
  if (!Array.isArray(value) && !isSet)
    throw refuse(
      `${describeValue(value)} is no array of choices.`,
      `Assign an array such as [${JSON.stringify(field.options[0]?.key ?? '')}].`,
    );
  const chosen = new Set(
    [...(value as Iterable<unknown>)].map((key) => held.find((one) => one === key) ?? checkChoice(key, field, refuse)),
  );
  const keys = new Set([...field.options.map(({ key }) => key), ...held]);
  return [...keys].filter((key) => chosen.has(key));
}

function list(keys: readonly (string | number)[]): string {
  const shown = keys
    .slice(0, 20)
    .map((key) => JSON.stringify(key))
    .join(', ');
  return keys.length > 20 ? `${shown} and ${keys.length - 20} more` : shown;
}
