import { relative } from 'node:path';
import { inspect } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';

/** What the test runner tells of a test that failed. */
export interface FailedTest {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** It is known that it fails. */
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly error: Error & { readonly failureType?: unknown } };
}

/** A failure is read at the end of a long output: its whole text would push the others out of sight. */
const maxLines = 40;

/** Which test it was, and its error with the stack, in 40 lines at most. Null for a suite that failed because a test in it did, and for a test that is still to do. */
export function describeFailure({ name, file, line, todo, details: { error } }: FailedTest): string | null {
  if (error.failureType === 'subtestsFailed' || (todo !== undefined && todo !== false)) return null;
  const thrown = error.cause ?? error;
  const place = file === undefined ? '' : ` (${relative(packageRoot, file)}${line === undefined ? '' : `:${line}`})`;
  const lines = (typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 4 }))
    .split('\n')
    // Frames of the runner are the same in every test.
    .filter((text) => !/^\s+at .*\(?node:internal\//.test(text));
  const left = lines.length - (maxLines - 1);
  const shown = left > 1 ? [...lines.slice(0, maxLines - 2), `… and ${left + 1} lines more`] : lines;
  return [`✖ ${name}${place}`, ...shown.map((text) => (text === '' ? '' : `    ${text}`))].join('\n');
}
