import { errorCatalogue } from '../../engine/core/errors.ts';
import { problem, problemMediaType } from './http-problem.ts';
import { type JsonSchema, schemaWriter } from './json-schema.ts';
import type { OpenApiDocument } from './openapi.ts';
import { inEnvironment, makesSomething, type Operation, pathNames, refusedEvent } from './operation.ts';
import { refusalsOf } from './refusals.ts';

type Part = Readonly<Record<string, unknown>>;
type Writer = ReturnType<typeof schemaWriter>;

const title = 'CloudCode';
const description =
  'Durable background tasks: runs that are never lost, and never two at once in a queue. Every POST is `application/json` unless it says otherwise; an unknown key or parameter is refused.';
const idempotencyKey = { $ref: '#/components/parameters/idempotencyKey' };
const environment = { $ref: '#/components/parameters/environment' };

/** What the operations declare, as OpenAPI 3.1. */
export function openApiDocument(operations: readonly Operation[]): OpenApiDocument {
  const writer = schemaWriter();
  const paths: Record<string, Record<string, Part>> = {};
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = describe(operation, writer);
  }
  const content = { [problemMediaType]: { schema: writer.write(problem, 'output') } };
  return {
    openapi: '3.1.1',
    // Of the API: what stands in its paths.
    info: { title, version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: 'http://127.0.0.1:4000' }],
    paths,
    components: {
      parameters: {
        environment: {
          name: 'environment',
          in: 'path',
          required: true,
          description: 'What belongs to another environment is not found.',
          schema: { type: 'string' },
        },
        idempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description:
            'Asked again with the same key within 24 hours, the answer is the first one, and nothing is made.',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      },
      responses: { Problem: { description: 'The request was refused.', content } },
      schemas: writer.components(),
    },
  };
}

function describe(operation: Operation, writer: Writer): Part {
  const { name, summary, permission, body, bytes } = operation;
  return {
    operationId: name,
    tags: [name.split('.')[0]],
    summary,
    'x-permission': permission,
    parameters: parametersOf(operation, writer),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(writer.write(body, 'input')) } }),
    ...(bytes === true ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } } : {}),
    responses: { ...answersOf(operation, writer), ...problemsOf(operation) },
  };
}

function parametersOf(operation: Operation, writer: Writer): readonly Part[] {
  const inPath = pathNames(operation);
  const own = Object.entries(operation.parameters ?? {}).map(([name, declared]) => {
    const { description: what, ...schema } = writer.write(declared, 'input');
    const isRequired = !declared.safeParse(undefined).success;
    return { name, in: inPath.includes(name) ? 'path' : 'query', required: isRequired, description: what, schema };
  });
  return [
    ...(operation.path.startsWith(inEnvironment) ? [environment] : []),
    ...own,
    ...(makesSomething(operation) ? [idempotencyKey] : []),
  ];
}

function answersOf({ answer, stream, statuses = [200] }: Operation, writer: Writer): Part {
  const content = {
    ...(answer === undefined ? {} : json(writer.write(answer, 'output'))),
    ...(stream === undefined ? {} : { 'text/event-stream': describeStream(stream, writer) }),
  };
  return Object.fromEntries(
    statuses.map((status) => [status, { description: describeStatus(status, statuses), content }]),
  );
}

function describeStatus(status: 200 | 201, statuses: readonly number[]): string {
  if (status === 201) return 'It was made.';
  return statuses.includes(201) ? 'It was there already.' : 'The answer.';
}

/** OpenAPI 3.1 has no words for the events of a stream. */
function describeStream({ events, last, resumesAfter }: Required<Operation>['stream'], writer: Writer): Part {
  const resumes = resumesAfter !== undefined;
  const ends = resumes
    ? `A stream that ends without \`${last}\` is taken up with \`Last-Event-ID\`.`
    : `What is refused after it began ends with \`${refusedEvent}\`.`;
  return {
    schema: { type: 'string', description: `Server-sent events; \`${last}\` is the last. ${ends}` },
    'x-events': {
      ...Object.fromEntries(Object.entries(events).map(([name, data]) => [name, writer.write(data, 'output')])),
      ...(resumes ? {} : { [refusedEvent]: writer.write(problem, 'output') }),
    },
  };
}

/** By status, with the codes that it may have. */
function problemsOf(operation: Operation): Part {
  const codes = refusalsOf(operation);
  const statuses = [...new Set(codes.map((code) => errorCatalogue[code].status))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const lines = codes
        .filter((code) => errorCatalogue[code].status === status)
        .map((code) => `- \`${code}\`: ${errorCatalogue[code].title}.`);
      return [status, { $ref: '#/components/responses/Problem', description: lines.join('\n') }];
    }),
  );
}

function json(schema: JsonSchema): Part {
  return { 'application/json': { schema } };
}
