import { z } from 'zod';
import { CloudCodeError, type ErrorCode } from '../engine/core/errors.ts';
import { describeValue } from '../engine/core/parameters-json.ts';
import { suggest } from '../engine/core/suggest.ts';

type WithoutUndefined<Shape> = { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> };

/** An object whose unknown keys are refused with the nearest known one. A key that is `undefined` counts as left out. */
export function strictObject<Shape extends Record<string, z.ZodOptional>>(shape: Shape) {
  const object = z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? describeUnknown(issue.keys, Object.keys(shape)) : 'must be an object',
  });
  return object.transform(
    (value) =>
      Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as WithoutUndefined<
        z.output<typeof object>
      >,
  );
}

function describeUnknown(keys: readonly string[], known: readonly string[]): string {
  const described = keys.map((key) => {
    const nearest = suggest(key, known);
    return nearest === null ? `\`${key}\`` : `\`${key}\` (did you mean \`${nearest}\`?)`;
  });
  return `has ${keys.length === 1 ? 'a key that is' : 'keys that are'} not known: ${described.join(', ')}; the known ones are ${known.join(', ')}`;
}

/** What a value should be, and where it stands, for the error that refuses it. */
interface Checked<Value> {
  readonly schema: z.ZodType<Value>;
  readonly code: ErrorCode;
  /** The file, relative to the project. */
  readonly file: string;
  /** What the whole value is called in messages: `config`, `the default export`. */
  readonly name: string;
}

/** The value as its schema has it, or one error for each field that is wrong. */
export function checkShape<Value>(
  value: unknown,
  { schema, code, file, name }: Checked<Value>,
):
  | { readonly value: Value; readonly errors: null }
  | { readonly value: null; readonly errors: readonly CloudCodeError[] } {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, errors: null };
  const errors = parsed.error.issues.map((issue) => {
    const field = issue.path.length === 0 ? name : `\`${formatPath(issue.path)}\``;
    if (issue.code === 'unrecognized_keys') return new CloudCodeError(code, `${file}: ${field} ${issue.message}.`);
    const is = issue.code === 'invalid_key' ? '' : ` is ${describeValue(atPath(value, issue.path))}; it`;
    const rule = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return new CloudCodeError(code, `${file}: ${field}${is} ${rule}.`);
  });
  return { value: null, errors };
}

/** `asset.fields["my field"].options[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, position) =>
      /^[A-Za-z_$][\w$]*$/.test(String(key))
        ? `${position === 0 ? '' : '.'}${String(key)}`
        : `[${JSON.stringify(key)}]`,
    )
    .join('');
}

function atPath(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) =>
      typeof inside === 'object' && inside !== null ? (Reflect.get(inside, key) as unknown) : undefined,
    value,
  );
}
