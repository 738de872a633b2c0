import { CloudCodeError } from './errors.ts';
import { findJsonLoss } from './json-losses.ts';
import { attachmentMark, databaseObjectMark } from './marks.ts';
import { toJson } from './to-json.ts';
import { lazyPattern } from './lazy-pattern.ts';

/** The most that parameters, or a returned value, may take as JSON: 5 MiB of UTF-8. */
export const maxJsonBytes = 5 * 1024 * 1024;

/**
 * A snapshot of a task's parameters as JSON text.
 * @throws CloudCodeError `invalid_parameters` when they are no plain object or do not survive JSON; `parameters_too_large` over 5 MiB
 */
export function parametersToJson(parameters: unknown): string {
  if (!isPlainObject(parameters)) {
    throw invalid(
      `\`parameters\` must be a plain object; this is ${describeValue(parameters)}.`,
      'Wrap it: { parameters: { value: … } }.',
    );
  }
  const json = stringify(parameters);
  if (json === undefined || !json.startsWith('{')) {
    throw invalid('`parameters` has a `toJSON` that does not give an object.', 'Pass a plain object.');
  }
  const bytes = utf8Length(json);
  if (bytes > maxJsonBytes) {
    throw new CloudCodeError(
      'parameters_too_large',
      `\`parameters\` is ${bytes} bytes as JSON; at most ${maxJsonBytes} (5 MB) are allowed.`,
      {
        hint: 'Store the data and pass where it is.',
      },
    );
  }
  return json;
}

function stringify(parameters: object): string | undefined {
  const paths = new Map<unknown, string>();
  try {
    return toJson(parameters, (holder, key, value) => {
      const path =
        key === '' && !paths.has(holder) ? 'parameters' : `${paths.get(holder) ?? 'parameters'}${member(holder, key)}`;
      refuseUnconvertible(holder[key], path);
      refuseUnconvertible(value, path);
      refuseLoss(value, path);
      if (typeof value === 'object' && value !== null) paths.set(value, path);
      return value;
    });
  } catch (error) {
    if (error instanceof CloudCodeError) throw error;
    throw unconvertible(error);
  }
}

function unconvertible(error: unknown): CloudCodeError {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  if (error instanceof TypeError && message.includes('circular')) {
    return invalid(
      '`parameters` is circular: it contains itself.',
      'Pass ids instead of objects that refer to each other.',
      error,
    );
  }
  if (error instanceof RangeError) {
    return invalid(
      `\`parameters\` cannot be converted to JSON: it is nested too deeply or too large (${message}).`,
      'Pass a flatter or smaller object.',
      error,
    );
  }
  return invalid(`\`parameters\` cannot be converted to JSON: ${message}`, undefined, error);
}

function refuseUnconvertible(value: unknown, path: string): void {
  if (typeof value === 'bigint')
    throw invalid(`\`${path}\` is a BigInt, which JSON does not have.`, 'Pass it as a string: String(value).');
  if (typeof value === 'function')
    throw invalid(`\`${path}\` is a function, which JSON does not have.`, 'Pass data only.');
  if (typeof value === 'symbol')
    throw invalid(`\`${path}\` is a symbol, which JSON does not have.`, 'Pass it as a string.');
  if (typeof value === 'object' && value !== null && databaseObjectMark in value) {
    throw invalid(
      `\`${path}\` is a DB object.`,
      'Pass its id, and read it again in the task: await DB.model.first(id).',
    );
  }
  if (typeof value === 'object' && value !== null && attachmentMark in value) {
    throw invalid(
      `\`${path}\` is an Attachment, whose bytes JSON does not keep.`,
      'Store it with a DB object and pass the id of that, or pass a text: await attachment.text().',
    );
  }
}

function refuseLoss(value: unknown, path: string): void {
  const loss = typeof value === 'object' && value !== null ? findJsonLoss(value) : null;
  if (loss !== null) throw invalid(`\`${path}\` is ${loss.is}, which JSON does not keep.`, loss.fix);
}

const name = lazyPattern('^[\\p{ID_Start}_$][\\p{ID_Continue}$]*$', 'u');

function member(holder: unknown, key: string): string {
  if (Array.isArray(holder)) return `[${key}]`;
  return name().test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (databaseObjectMark in value) {
    throw invalid('`parameters` is a DB object.', 'Pass its id: { parameters: { id: object.id } }.');
  }
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a vm context) has another Object.prototype, whose prototype is null like ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Names a value for a message: its kind, and what it is where that is short. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string')
    return value.length > 60 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  return typeof value === 'object' ? describeObject(value) : `a ${typeof value}`;
}

/** `a Day`, `an object of \`asset\``; for what has no class of its own, `an object`. */
function describeObject(value: object): string {
  if (databaseObjectMark in value) return `an object of \`${String(value[databaseObjectMark])}\``;
  const name = (value.constructor as { readonly name?: unknown } | undefined)?.name;
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function invalid(message: string, hint?: string, cause?: unknown): CloudCodeError {
  return new CloudCodeError('invalid_parameters', message, { hint, cause });
}
