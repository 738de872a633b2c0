import fc from 'fast-check';
import { type Operation, pathNames, queryOf } from '../../../src/service/api/operation.ts';
import { schemaWriter } from '../../../src/service/api/json-schema.ts';

/** A request as it goes to the server. */
export interface AnyRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

type Components = Readonly<Record<string, Schema>>;

const mostly = <Good, Other>(good: fc.Arbitrary<Good>, other: fc.Arbitrary<Other>): fc.Arbitrary<Good | Other> =>
  fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: other });

const name = fc.string({ minLength: 1, maxLength: 20 });
const strange = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '.', '..', '\u0000', '\ud800', '-1', '1e999', '__proto__', 'x'.repeat(513)),
);
const text = mostly(name, strange);
const number = mostly(fc.nat(1_000), fc.oneof(fc.double(), fc.constantFrom(-0, 1e308, -1, 2 ** 53)));

/** Of what a declaration takes. */
function valueOf(schema: Schema, components: Components): fc.Arbitrary<unknown> {
  const of = (each: Schema): fc.Arbitrary<unknown> => valueOf(each, components);
  if (schema.$ref !== undefined) return of(components[schema.$ref.replace('#/components/schemas/', '')] ?? {});
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(of));
  if (schema.properties !== undefined) {
    const properties = Object.entries(schema.properties).map(
      ([key, each]) => [key, key === 'task' ? mostly(fc.constant('noop'), of(each)) : of(each)] as const,
    );
    return fc.record(Object.fromEntries(properties), { requiredKeys: [...(schema.required ?? [])] });
  }
  if (schema.items !== undefined) return fc.array(of(schema.items), { maxLength: 4 });
  if (schema.type === 'object') return fc.dictionary(text, fc.jsonValue());
  if (schema.type === 'number' || schema.type === 'integer') return number;
  if (schema.format === 'date-time') return mostly(fc.constant('2026-03-01T09:00:00Z'), text);
  if (schema.format === 'uuid') return mostly(fc.uuid(), text);
  return schema.type === 'string' ? text : fc.jsonValue();
}

/** Something else in one place of a value, a key more, or one less. */
function mutated(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.nat(), text, fc.jsonValue()).map(([whole, place, key, other]) => {
    if (typeof whole !== 'object' || whole === null) return other;
    const keys = Object.keys(whole);
    const at = keys[place % (keys.length + 2)];
    if (at === undefined) return place % 2 === 0 ? { ...whole, [key]: other } : other;
    const { [at]: _, ...rest } = whole as Record<string, unknown>;
    return place % 3 === 0 ? rest : Array.isArray(whole) ? whole.with(Number(at), other) : { ...whole, [at]: other };
  });
}

/** What no parser likes. */
const raw = fc.oneof(
  fc.constantFrom('', '{', '{"task":', 'null', '"', '[]', '{"task":"noop","task":{}}', '{"__proto__":{"task":"noop"}}'),
  fc.constantFrom(10_000, 40_000, 120_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc
    .constantFrom(2_000, 12_000)
    .map((depth) => `{"task":"noop","parameters":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`),
  fc.constantFrom(120_000, 600_000).map((length) => JSON.stringify({ task: 'x'.repeat(length) })),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
);

const header = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
const headers = fc.record(
  {
    'content-type': mostly(fc.constant('application/json'), header),
    'idempotency-key': mostly(fc.uuid(), fc.oneof(fc.constantFrom('a', ''), header)),
    accept: fc.oneof(fc.constantFrom('text/event-stream', '*/*'), header),
    'last-event-id': fc.oneof(fc.constantFrom('0', '-1', '999999999999999999'), header),
  },
  { requiredKeys: ['content-type'] },
);

/** Requests of all kinds for an operation: as it declares them, almost so, and not at all. @param ids of runs that are there, which nothing can change any more */
export function anyRequest(of: Operation, ids: readonly string[]): fc.Arbitrary<AnyRequest> {
  return fc.tuple(anyPath(of, ids), anyQuery(of), headers, anyBody(of)).map(([path, query, given, payload]) => ({
    method: of.method,
    url: query === '' ? path : `${path}?${query}`,
    headers: {
      host: '127.0.0.1:4000',
      ...given,
      ...(of.bytes === true ? { 'content-type': 'application/octet-stream' } : {}),
    },
    ...(of.method === 'POST' ? { payload } : {}),
  }));
}

function anyPath(of: Operation, ids: readonly string[]): fc.Arbitrary<string> {
  const values = pathNames(of).map((each) => {
    const known = each === 'environment' ? ['testing'] : each === 'id' ? ids : ['q'];
    return [each, mostly(fc.constantFrom(...known), text)] as const;
  });
  return fc
    .record(Object.fromEntries(values))
    .map((filled) => of.path.replaceAll(/:(\w+)/g, (_, each: string) => encode(filled[each])));
}

function anyQuery(of: Operation): fc.Arbitrary<string> {
  const declared = Object.entries(queryOf(of)).map(
    ([key, each]) => [key, valueOf(schemaWriter().write(each, 'input'), {})] as const,
  );
  const requiredKeys = Object.entries(queryOf(of)).flatMap(([key, each]) =>
    each.safeParse(undefined).success ? [] : [key],
  );
  const good = fc.record(Object.fromEntries(declared), { requiredKeys }).map((asked) => Object.entries(asked));
  const other = fc.array(fc.tuple(fc.oneof(text, fc.constantFrom('x', ...declared.map(([key]) => key))), text), {
    maxLength: 3,
  });
  return mostly(good, other).map((asked) => asked.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&'));
}

function anyBody(of: Operation): fc.Arbitrary<string | Buffer> {
  const writer = schemaWriter();
  const written = of.body === undefined ? {} : writer.write(of.body, 'input');
  const good = of.body === undefined ? fc.constant({}) : valueOf(written, writer.components());
  const json = (value: unknown): string => JSON.stringify(value);
  return fc.oneof(
    { weight: 5, arbitrary: good.map(json) },
    { weight: 4, arbitrary: mutated(good).map(json) },
    { weight: 1, arbitrary: fc.jsonValue().map(json) },
    { weight: 2, arbitrary: raw },
  );
}

function encode(value: unknown): string {
  return encodeURIComponent(String(value).toWellFormed());
}
