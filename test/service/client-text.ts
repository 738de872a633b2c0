// What `cloudcode/client` knows of the operations, made from what they declare: `npm run openapi` writes it.
import { type Operation, queryOf } from '../../src/service/api/operation.ts';
import { operations } from '../../src/service/api/operations.ts';
import { openApiText } from '../../src/service/operations/openapi.ts';

const head = '// Written by `npm run openapi` from the declarations of the operations; do not edit.\n';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly {
    readonly name?: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly content?: Readonly<
          Record<string, { readonly schema: Schema; readonly 'x-events'?: Record<string, Schema> }>
        >;
      }
    >
  >;
}

/** src/client/operations.ts */
export function clientOperationsText(): string {
  const entries = operations.map((each) => `  '${each.name}': ${JSON.stringify(entryOf(each))},`);
  return `${head}\nexport const operations = {\n${entries.join('\n')}\n} as const;\n`;
}

function entryOf(of: Operation): object {
  const { method, path, stream } = of;
  return {
    method,
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    query: Object.keys(queryOf(of)),
    ...(stream === undefined ? {} : { stream: { last: stream.last, resumesAfter: stream.resumesAfter } }),
  };
}

/** src/client/api.d.ts */
export function clientTypesText(): string {
  const { paths, components } = JSON.parse(openApiText()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  };
  const types = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment(schema, '')}export type ${name} = ${typeOf(schema, '')};\n`,
  );
  const described = Object.values(paths).flatMap((methods) => Object.values(methods));
  const members = described.map((each) => `  /** ${each.summary} */\n  '${each.operationId}': ${operationType(each)};`);
  return `${head}\n${types.join('\n')}\nexport interface Operations {\n${members.join('\n')}\n}\n`;
}

function operationType({ parameters, requestBody, responses }: Described): string {
  const own = parameters.filter(({ name }) => name !== undefined && name !== 'environment');
  const properties = own.map(({ name = '', required, description = '', schema = {} }) =>
    property(name, { ...schema, description }, { isRequired: required === true, indent: '      ' }),
  );
  const [media] = Object.entries(requestBody?.content ?? {});
  const body =
    media === undefined
      ? []
      : [`      readonly body: ${media[1].schema === undefined ? 'Uint8Array' : typeOf(media[1].schema, '      ')};`];
  const contents = Object.values(responses).flatMap(({ content = {} }) => Object.entries(content));
  const answer = contents.find(([type]) => type === 'application/json')?.[1].schema;
  const events = contents.find(([type]) => type === 'text/event-stream')?.[1]['x-events'];
  // What is refused is thrown.
  const told = Object.entries(events ?? {}).filter(([name]) => name !== 'refused');
  return [
    '{',
    `    input: {${[...properties, ...body].length === 0 ? '' : `\n${[...properties, ...body].join('\n')}\n    `}};`,
    ...(answer === undefined ? [] : [`    answer: ${typeOf(answer, '    ')};`]),
    ...(events === undefined
      ? []
      : [
          `    events: {\n${told.map(([name, each]) => property(name, each, { isRequired: true, indent: '      ' })).join('\n')}\n    };`,
        ]),
    '  }',
  ].join('\n');
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((each) => typeOf(each, indent)).join(' | ');
  if (schema.allOf !== undefined) return schema.allOf.map((each) => wrapped(typeOf(each, indent))).join(' & ');
  if (Array.isArray(schema.type))
    return schema.type.map((type: string) => typeOf({ ...schema, type }, indent)).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return `readonly ${wrapped(typeOf(schema.items ?? {}, indent))}[]`;
    case 'object':
      return objectType(schema, indent);
    case undefined:
    default:
      return 'unknown';
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const more = typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown';
  if (properties === undefined || Object.keys(properties).length === 0) return `Readonly<Record<string, ${more}>>`;
  const within = `${indent}  `;
  const members = Object.entries(properties).map(([name, each]) =>
    property(name, each, { isRequired: required.includes(name), indent: within }),
  );
  return `{\n${members.join('\n')}\n${indent}}`;
}

function property(
  name: string,
  schema: Schema,
  { isRequired, indent }: { readonly isRequired: boolean; readonly indent: string },
): string {
  const key = /^[a-z]\w*$/i.test(name) ? name : `'${name}'`;
  const type = typeOf(schema, indent);
  return `${comment(schema, indent)}${indent}readonly ${key}${isRequired ? '' : '?'}: ${type}${isRequired ? '' : ' | undefined'};`;
}

function comment({ description = '' }: Schema, indent: string): string {
  return description === '' ? '' : `${indent}/** ${description} */\n`;
}

function wrapped(type: string): string {
  return /[|{ ]/.test(type) && !type.startsWith('{') ? `(${type})` : type;
}
