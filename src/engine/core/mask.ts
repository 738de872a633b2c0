import type { ErrorRecord } from './errors.ts';
import { variableLimits } from './variables.ts';

/** What stands in the place of a masked value. */
const maskText = '***';

/** Where a text was cut, so that half of a value may stand there. */
export interface Cut {
  readonly start?: boolean;
  readonly end?: boolean;
  /** Only so many characters of the text are wanted. */
  readonly length?: number;
}

/** Replaces masked values wherever they stand. */
export interface Masker {
  text(text: string, cut?: Cut): string;
  error<Given extends ErrorRecord | null>(error: Given): Given;
}

/**
 * For the values of masked variables, as they are and as they are usually printed: in JSON, in the output of `console.log` for objects, percent-encoded; and each line of one that has several.
 * Where values overlap, or one holds another, all of what any of them covers is replaced.
 */
export function maskerOf(secrets: readonly string[]): Masker {
  const forms = [...new Set(secrets.flatMap(formsOf))].filter((form) => form !== '');
  if (forms.length === 0) return { text: (text, { length } = {}) => text.slice(0, length), error: (error) => error };
  const text = (given: string, cut: Cut = {}): string => replace(given, mergedSpans(given, forms, cut), cut.length);
  const whole = (given: string): string => text(given);
  return {
    text,
    error: <Given extends ErrorRecord | null>(error: Given): Given =>
      error === null ? error : maskedError(error, whole),
  };
}

function maskedError<Given extends ErrorRecord>(error: Given, mask: (text: string) => string): Given {
  const properties = Object.entries(error.properties ?? {}).map(([name, value]) => [
    mask(name),
    typeof value === 'string' ? mask(value) : maskedNumber(value, mask),
  ]);
  return {
    ...error,
    name: mask(error.name),
    message: mask(error.message),
    stack: error.stack === null ? null : mask(error.stack),
    ...(error.properties === undefined
      ? {}
      : { properties: Object.fromEntries(properties) as ErrorRecord['properties'] }),
  };
}

/** A password of digits may have become a number. */
function maskedNumber<Value>(value: Value, mask: (text: string) => string): Value | string {
  const text = String(value);
  const masked = mask(text);
  return masked === text ? value : masked;
}

function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r\n|[\r\n]/).filter((line) => line.length >= variableLimits.maskedLength);
  return [secret, ...lines].flatMap((each) => {
    const json = JSON.stringify(each).slice(1, -1);
    // util.inspect escapes as JSON does, but for the quotes that it does not use itself.
    return [
      each,
      json,
      json.replaceAll(String.raw`\"`, '"'),
      json.replaceAll(String.raw`\"`, '"').replaceAll("'", String.raw`\'`),
      encodeURIComponent(each),
    ];
  });
}

type Span = readonly [from: number, to: number];

function mergedSpans(text: string, forms: readonly string[], { start = false, end = false }: Cut): readonly Span[] {
  const found: Span[] = [];
  for (const form of forms) {
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) found.push([at, at + form.length]);
    if (start) found.push([0, overlap(form, text)]);
    if (end) found.push([text.length - overlap(text, form), text.length]);
  }
  const spans: [number, number][] = [];
  for (const [from, to] of found.filter(([a, b]) => a < b).toSorted((a, b) => a[0] - b[0])) {
    const last = spans.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  return spans;
}

/** How many characters `before` ends with that `after` begins with. */
function overlap(before: string, after: string): number {
  for (let length = Math.min(before.length, after.length); length > 0; length -= 1)
    if (before.endsWith(after.slice(0, length))) return length;
  return 0;
}

function replace(text: string, spans: readonly Span[], length = text.length): string {
  let masked = '';
  let done = 0;
  for (const [from, to] of spans) {
    if (from >= length) break;
    masked += text.slice(done, from) + maskText;
    done = to;
  }
  return masked + text.slice(done, Math.max(done, length));
}
