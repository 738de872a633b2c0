import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** A parameter of a query. */
export const one = z.string({
  error: (issue) => (issue.input === undefined ? 'must be given' : 'is given more than once'),
});
export const wholeNumber = one.regex(/^\d{1,9}$/, { error: 'must be a whole number' }).transform(Number);

/** @throws CloudCodeError `invalid_filter` */
export function parseQuery<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  query: unknown,
): z.output<z.ZodObject<Shape>> {
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
}

function unknownFilter(name: string, known: readonly string[]): CloudCodeError {
  const nearest = suggest(name, known);
  return new CloudCodeError('invalid_filter', `There is no filter \`${name}\`.`, {
    hint: nearest === null ? `There are ${known.join(', ')}.` : `Did you mean \`${nearest}\`?`,
  });
}
