import { messageOf } from '../../engine/core/thrown.ts';

export type ParsedJson = { readonly value: unknown; readonly mistake: null } | { readonly mistake: string };

/** Reads JSON text, or says in words where it stops being JSON: `line 1, column 8: expected a value, found "}"`. */
export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text) as unknown, mistake: null };
  } catch (error) {
    const place = findJsonMistake(text);
    if (place === null) return { mistake: messageOf(error) };
    return { mistake: `line ${place.line}, column ${place.column}: expected ${place.expected}, found ${place.found}` };
  }
}

const token =
  /[ \t\n\r]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([[\]{}:,]))/y;
const blank = /[ \t\n\r]*/y;
/** As far as a string or number goes before it is broken. */
const started = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"?|-?\d+(?:\.\d+)?(?:[eE][+-]?)?|[\w-]+/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'the end';

/**
 * Where text stops being JSON, and what should stand there; null when it is JSON. For messages: V8's own name no place for most
 * mistakes. `line` and `column` count from 1, in characters as JavaScript counts them.
 */
export function findJsonMistake(
  text: string,
): { readonly line: number; readonly column: number; readonly expected: string; readonly found: string } | null {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  let position = 0;
  for (;;) {
    token.lastIndex = position;
    const match = token.exec(text);
    const next: Expected | null =
      match === null ? null : follow(expected, open, { isString: match[1] !== undefined, sign: match[3] ?? null });
    if (match === null || next === null) break;
    expected = next;
    position = token.lastIndex;
  }
  const at = matchAt(blank, text, position);
  if (at === text.length && expected === 'the end') return null;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return {
    line,
    column: at - before.lastIndexOf('\n'),
    expected: describe(expected),
    found: at === text.length ? 'the end' : excerpt(text, at),
  };
}

/** What may follow after a token, or null when it may not stand there. */
function follow(
  expected: Expected,
  open: ('[' | '{')[],
  token: { readonly isString: boolean; readonly sign: string | null },
): Expected | null {
  const after = (): Expected => (open.length === 0 ? 'the end' : open.at(-1) === '[' ? ', or ]' : ', or }');
  const { sign, isString } = token;
  const close = (bracket: '[' | '{'): Expected | null => (open.pop() === bracket ? after() : null);
  if (sign === ']' && (expected === 'value or ]' || expected === ', or ]')) return close('[');
  if (sign === '}' && (expected === 'key or }' || expected === ', or }')) return close('{');
  if (sign === ':') return expected === ':' ? 'value' : null;
  if (sign === ',') return expected === ', or ]' ? 'value' : expected === ', or }' ? 'key' : null;
  if (expected === 'key' || expected === 'key or }') return isString ? ':' : null;
  if (expected !== 'value' && expected !== 'value or ]') return null;
  if (sign === '[' || sign === '{') {
    open.push(sign);
    return sign === '[' ? 'value or ]' : 'key or }';
  }
  return sign === null ? after() : null;
}

function matchAt(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.test(text) ? pattern.lastIndex : position;
}

function describe(expected: Expected): string {
  if (expected.startsWith('key'))
    return expected.endsWith('}') ? 'a key in double quotes, or }' : 'a key in double quotes';
  if (expected.startsWith('value')) return expected.endsWith(']') ? 'a value, or ]' : 'a value';
  return expected;
}

function excerpt(text: string, at: number): string {
  const end = Math.max(matchAt(started, text, at), at + 1);
  const found = text.slice(at, Math.min(end, at + 20));
  return JSON.stringify(found);
}
