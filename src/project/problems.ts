import type { Message } from 'esbuild';
import { CloudCodeError, type ErrorCode } from '../engine/core/errors.ts';
import type { BrokenTask } from '../engine/core/broken-task.ts';
import type { FoundTask } from './find-project.ts';

/** One error for all that is wrong: the same when there is one thing, and else the list, under the code of the first. */
export function joinErrors(given: readonly CloudCodeError[]): CloudCodeError {
  const errors = given.flatMap(partsOf);
  const [first, ...rest] = errors;
  if (first === undefined) return new CloudCodeError('internal', 'joinErrors was called without an error.');
  if (rest.length === 0) return first;
  const parts = errors.map((error) => (error.hint === undefined ? error.message : `${error.message}\n${error.hint}`));
  return new CloudCodeError(first.code, `${errors.length} things are wrong.\n\n${parts.join('\n\n')}`, {
    cause: new AggregateError(errors),
  });
}

/** What an error was joined from. */
function partsOf(error: CloudCodeError): readonly CloudCodeError[] {
  if (!(error.cause instanceof AggregateError)) return [error];
  const parts = error.cause.errors.filter((part) => part instanceof CloudCodeError);
  return parts.length === 0 ? [error] : parts;
}

/** A mistake that several have found is told once. */
export function distinctErrors(errors: readonly CloudCodeError[]): readonly CloudCodeError[] {
  return [...new Map(errors.map((error) => [error.message, error])).values()];
}

/** Throws `joinErrors(errors)` when there is anything in it. */
export function throwErrors(errors: readonly CloudCodeError[]): void {
  if (errors.length > 0) throw joinErrors(errors);
}

/** What esbuild found wrong, as `file:line:column: text`, the line, and a caret under the place. */
export function fromMessage(code: ErrorCode, message: Message): CloudCodeError {
  const { location } = message;
  const text =
    location === null
      ? message.text
      : `${location.file}:${location.line}:${columnOf(message) + 1}: ${message.text}\n${excerpt(message)}`;
  return new CloudCodeError(code, text, { hint: hintFor(message) });
}

function excerpt(message: Message): string {
  if (message.location === null) return '';
  const { line, lineText } = message.location;
  const column = columnOf(message);
  // A minified line would bury the place: show what surrounds it.
  const from = column > 100 ? column - 60 : 0;
  const shown = lineText.slice(from, from + 140);
  const margin = ' '.repeat(String(line).length);
  const indent = shown.slice(0, column - from).replaceAll(/[^\t]/g, ' ');
  return `  ${line} | ${shown}\n  ${margin} | ${indent}^`;
}

/** In characters; esbuild counts bytes. */
function columnOf({ location }: Message): number {
  if (location === null) return 0;
  return Buffer.from(location.lineText).subarray(0, location.column).toString().length;
}

function hintFor({ text, notes }: Message): string | undefined {
  const unresolved = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (unresolved !== undefined) {
    if (/^[./]/.test(unresolved)) return 'Check the path; it is relative to the file that imports it.';
    const name = unresolved
      .split('/')
      .slice(0, unresolved.startsWith('@') ? 2 : 1)
      .join('/');
    return `Install it in the project's folder: npm install ${name}`;
  }
  if (text.startsWith('No loader is configured')) {
    return "Read the file when the task runs: readFile(new URL('./name', import.meta.url)); or import it `with { type: 'text' }`.";
  }
  const note = notes[0]?.text;
  return note === undefined || note === '' ? undefined : note;
}

export interface BrokenFile extends BrokenTask {
  /** Relative to the project's folder. */
  readonly file: string;
}

/** The tasks with errors, each with one for all that is wrong with it; two files of one name are one. @param errors by the task's file */
export function sortOutBroken(
  tasks: readonly FoundTask[],
  errors: ReadonlyMap<string, readonly CloudCodeError[]>,
): readonly BrokenFile[] {
  const byName = Map.groupBy(
    tasks.filter(({ file }) => (errors.get(file) ?? []).length > 0),
    ({ name }) => name,
  );
  return [...byName].map(([name, files]) => {
    const { code, message, hint } = joinErrors(distinctErrors(files.flatMap(({ file }) => errors.get(file) ?? [])));
    return {
      name,
      file: files[0]?.file ?? '',
      problem: hint === undefined ? { code, message } : { code, message, hint },
    };
  });
}
