import type { ErrorProperties, ErrorRecord } from '../core/errors.ts';
import { explainAddon, explainDecorators, explainMissing } from './explain-thrown.ts';

const maxTextLength = 100_000;
const maxProperties = 30;
const maxPropertyLength = 1_000;
/** Errors that are shown of one: its causes, and those of an AggregateError. */
const maxInner = 50;
const maxDepth = 10;
/** What is told of an error by itself, and what is shown as an error inside it. */
const toldApart = ['name', 'message', 'stack', 'cause', 'errors', 'error', 'suppressed'];

interface ErrorLike {
  readonly name: unknown;
  readonly message: unknown;
  readonly stack: unknown;
}

/** What is stored of anything that was thrown; never throws itself. */
export function errorRecord(thrown: unknown): ErrorRecord {
  try {
    if (!isErrorLike(thrown))
      return {
        name: 'Error',
        message: cut(typeof thrown === 'string' ? thrown : `${inspect(thrown)} was thrown, which is no Error`),
        stack: null,
      };
    const properties = propertiesOf(thrown);
    const whole = new ErrorText().of(thrown);
    return {
      name: cut(String(thrown.name)),
      message: cut(explained(thrown)),
      stack: whole === '' ? null : cut(whole),
      ...(properties === null ? {} : { properties }),
    };
  } catch {
    return { name: 'Error', message: 'Something was thrown that cannot be read.', stack: null };
  }
}

/** Also an error of another realm, or an object that only looks like one: its name and message may be anything. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return typeof thrown === 'object' && thrown !== null && 'message' in thrown && 'stack' in thrown;
}

/** What it says, and what is known besides of an add-on or package that it, or a cause of it, could not load, or of decorators. */
function explained(error: ErrorLike): string {
  let why: string | null = null;
  let at: unknown = error;
  for (let depth = 0; depth < maxDepth && why === null && isErrorLike(at); depth += 1) {
    why = explainAddon(at) ?? explainMissing(at) ?? explainDecorators(at);
    at = read(at, 'cause');
  }
  return why === null ? messageOf(error) : `${messageOf(error)}\n${why}`;
}

/** Of an AggregateError without a word of its own, as of a connection that was refused on each address, what its errors say. */
function messageOf(error: ErrorLike): string {
  const own = String(error.message);
  const errors = read(error, 'errors');
  if (own !== '' || !Array.isArray(errors)) return own;
  return errors
    .slice(0, maxInner)
    .map((each: unknown) => (isErrorLike(each) ? String(each.message) : inspect(each)))
    .join('; ');
}

/** Its own properties that are short and plain: `code`, `errno`, `status`. Objects are left out: the request of a failed one holds its secrets. */
function propertiesOf(error: ErrorLike): ErrorProperties | null {
  const found: [string, ErrorProperties[string]][] = [];
  for (const name of Object.keys(error)) {
    if (toldApart.includes(name) || found.length === maxProperties) continue;
    const value = plainValue(read(error, name));
    if (value !== undefined) found.push([cut(name, maxPropertyLength), value]);
  }
  return found.length === 0 ? null : Object.fromEntries(found);
}

function plainValue(value: unknown): ErrorProperties[string] | undefined {
  if (typeof value === 'string') return cut(value, maxPropertyLength);
  if (typeof value === 'bigint') return cut(String(value), maxPropertyLength);
  return typeof value === 'boolean' || value === null || (typeof value === 'number' && Number.isFinite(value))
    ? value
    : undefined;
}

/** The stack of an error, followed by those of the errors in it. */
class ErrorText {
  readonly #seen = new Set<unknown>();

  of(error: ErrorLike, depth = 0): string {
    this.#seen.add(error);
    const own =
      typeof error.stack === 'string'
        ? error.stack
        : depth === 0
          ? ''
          : `${String(error.name)}: ${String(error.message)}`;
    return [own, ...this.#inner(error, depth + 1)].join('\n');
  }

  #inner(error: ErrorLike, depth: number): readonly string[] {
    const lines: string[] = [];
    for (const name of ['cause', 'error', 'suppressed']) {
      const value = read(error, name);
      if (value !== undefined && Object.hasOwn(error, name)) lines.push(`  [${name}]: ${this.#show(value, depth)}`);
    }
    const errors = read(error, 'errors');
    if (!Array.isArray(errors)) return lines;
    for (const [place, each] of errors.slice(0, maxInner).entries())
      lines.push(`  [errors][${place}]: ${this.#show(each, depth)}`);
    return errors.length > maxInner ? [...lines, `  … ${errors.length - maxInner} more errors`] : lines;
  }

  #show(value: unknown, depth: number): string {
    if (!isErrorLike(value)) return cut(typeof value === 'string' ? value : inspect(value), maxPropertyLength);
    if (this.#seen.has(value))
      return `${String(value.name)}: ${cut(String(value.message), maxPropertyLength)} (shown above)`;
    if (depth > maxDepth || this.#seen.size > maxInner)
      return `${String(value.name)}: ${cut(String(value.message), maxPropertyLength)}`;
    const properties = propertiesOf(value);
    return `${this.of(value, depth)}${properties === null ? '' : `\n    ${inspect(properties)}`}`;
  }
}

/** A getter may throw. */
function read(error: object, name: string): unknown {
  try {
    return Reflect.get(error, name) as unknown;
  } catch {
    return undefined;
  }
}

function inspect(value: unknown): string {
  return process
    .getBuiltinModule('node:util')
    .inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: maxPropertyLength });
}

function cut(text: string, max = maxTextLength): string {
  const kept = text.length > max ? `${text.slice(0, max)}… (${text.length} characters)` : text;
  return kept.toWellFormed();
}
