import { operations } from './operations.ts';

/** What a client has to know of an operation. */
export interface OperationEntry {
  readonly method: 'GET' | 'POST';
  /** With `{name}` where a parameter is a part of it. */
  readonly path: string;
  /** The names of the other parameters. */
  readonly query: readonly string[];
  /** Server-sent events: the name of the last, and the parameter that the id of an event stands for where a stream that broke can be taken up. */
  readonly stream?: { readonly last: string; readonly resumesAfter?: string };
}

/** @throws Error for one that this version does not have */
export function entryOf(name: string): OperationEntry {
  const found = (operations as Readonly<Record<string, OperationEntry>>)[name];
  if (found === undefined) throw new Error(`There is no operation ${name}.`);
  return found;
}

/** The path and query of a request. */
export function pathOf({ path, query }: OperationEntry, values: Readonly<Record<string, unknown>>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(values[name])));
  const given = new URLSearchParams();
  for (const name of query) if (values[name] !== undefined) given.set(name, textOf(values[name]));
  return given.size === 0 ? filled : `${filled}?${given.toString()}`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String((value as string | number | undefined) ?? '');
}
