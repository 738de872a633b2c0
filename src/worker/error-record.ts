import type { ErrorRecord } from '../core/errors.ts';

const maxTextLength = 100_000;

/** What is stored of anything that was thrown; never throws itself. */
export function errorRecord(thrown: unknown): ErrorRecord {
  try {
    if (isErrorLike(thrown)) return { name: cut(String(thrown.name)), message: cut(String(thrown.message)), stack: stackOf(thrown) };
    const { inspect } = process.getBuiltinModule('node:util');
    return { name: 'Error', message: cut(typeof thrown === 'string' ? thrown : `${inspect(thrown)} was thrown, which is no Error`), stack: null };
  } catch {
    return { name: 'Error', message: 'Something was thrown that cannot be read.', stack: null };
  }
}

/** Also an error of another realm, or an object that only looks like one: its name and message may be anything. */
function isErrorLike(thrown: unknown): thrown is { name: unknown; message: unknown; stack: unknown; cause?: unknown } {
  return typeof thrown === 'object' && thrown !== null && 'message' in thrown && 'stack' in thrown;
}

function stackOf(error: { readonly stack?: unknown; readonly cause?: unknown }, depth = 0): string | null {
  const own = typeof error.stack === 'string' ? error.stack : null;
  if (!(error.cause instanceof Error) || depth > 5) return own === null ? null : cut(own);
  return cut(`${own ?? ''}\n  [cause]: ${stackOf(error.cause, depth + 1) ?? String(error.cause)}`);
}

function cut(text: string): string {
  const kept = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}… (${text.length} characters)` : text;
  return kept.toWellFormed();
}
