import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { type Operation, queryOf } from './operation.ts';

/** A parameter of a query. */
export const one = z.string({
  error: (issue) => (issue.input === undefined ? 'must be given' : 'is given more than once'),
});
export const wholeNumber = one
  .regex(/^\d{1,9}$/, { error: 'must be a whole number' })
  .transform(Number)
  .meta({ type: 'integer', minimum: 0 });

/** Reads the query of requests for an operation. @throws CloudCodeError `invalid_filter` */
export function queryReader(of: Operation): (query: unknown) => Readonly<Record<string, unknown>> {
  const schema = z.strictObject(queryOf(of));
  return (query) => {
    const parsed = schema.safeParse(query);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    if (issue?.code === 'unrecognized_keys') throw unknownFilter(issue.keys[0] ?? '', Object.keys(schema.shape));
    const name = String(issue?.path[0] ?? '');
    const value = (query as Readonly<Record<string, unknown>>)[name];
    throw new CloudCodeError(
      'invalid_filter',
      `\`${name}\` is ${JSON.stringify(value)}: it ${issue?.message ?? 'is not valid'}.`,
    );
  };
}

/** What the path of a request names. @throws CloudCodeError `environment_not_found` */
export function readPath(params: unknown): Readonly<Record<string, string>> {
  const named = params as Readonly<Record<string, string>>;
  // The database refuses such text.
  if (named['environment']?.includes('\0') !== true) return named;
  throw new CloudCodeError('environment_not_found', `There is no environment ${JSON.stringify(named['environment'])}.`);
}

function unknownFilter(name: string, known: readonly string[]): CloudCodeError {
  return new CloudCodeError('invalid_filter', `There is no filter \`${name}\`.`, { hint: hintFor(name, known) });
}

function hintFor(name: string, known: readonly string[]): string {
  const nearest = suggest(name, known);
  if (nearest !== null) return `Did you mean \`${nearest}\`?`;
  return known.length === 0 ? 'It takes none.' : `There are ${known.join(', ')}.`;
}

/** The body of an operation that has none. */
const nothing = z.strictObject({}, { error: 'must be `{}`, or nothing' }).optional();

function unknownKey({ body }: Operation, key: string): CloudCodeError {
  const known = body instanceof z.ZodObject ? Object.keys(body.shape) : [];
  return new CloudCodeError('invalid_body', `There is no \`${key}\` in the body of this request.`, {
    hint: hintFor(key, known),
  });
}

/** What the body of a request holds, as a part of the operation's input. @throws CloudCodeError `invalid_body`, and those of the operation's own reading */
export function readBody(of: Operation, body: unknown): { readonly body?: unknown } {
  if (of.bytes === true) return { body: readBytes(body) };
  if (of.readBody !== undefined) return { body: of.readBody(body) };
  const parsed = (of.body ?? nothing).safeParse(body);
  if (parsed.success) return of.body === undefined ? {} : { body: parsed.data };
  const unknown = parsed.error.issues.find((each) => each.code === 'unrecognized_keys');
  if (unknown !== undefined) throw unknownKey(of, unknown.keys[0] ?? '');
  const issue = parsed.error.issues.find(({ path }) => path.length === 0) ?? parsed.error.issues[0];
  const what = issue === undefined || issue.path.length === 0 ? 'The body' : `\`${issue.path.join('.')}\` of the body`;
  throw new CloudCodeError('invalid_body', `${what} ${issue?.message ?? 'is not valid'}.`);
}

function readBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new CloudCodeError('unsupported_media_type', 'The body must be bytes: application/octet-stream.');
}
