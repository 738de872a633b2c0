import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import SwaggerParser from '@apidevtools/swagger-parser';
import { packageRoot } from '../../src/package-root.ts';
import { operations } from '../../src/service/api/operations.ts';
import { openApiText } from '../../src/service/operations/openapi.ts';
import { clientOperationsText, clientTypesText } from './client-text.ts';
import { openApi } from './http/api.ts';

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { readonly name?: string; readonly description?: string; readonly $ref?: string }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const read = (): Document => JSON.parse(openApiText()) as Document;

/** @throws Error that says what is wrong with it */
async function validate(document: Document): Promise<void> {
  await SwaggerParser.validate(structuredClone(document) as never);
}

describe('the OpenAPI document', { timeout: 60_000 }, () => {
  it('is good by the schema of OpenAPI 3.1, and all that it refers to is there', async () => {
    await validate(read());
  });

  it('would be refused with a mistake', async () => {
    const [path = ''] = Object.keys(read().paths);
    const broken = (change: object): Document =>
      ({ ...read(), paths: { [path]: { get: { ...read().paths[path]?.['get'], ...change } } } }) as Document;
    await assert.rejects(validate(broken({ responses: { 200: {} } })));
    await assert.rejects(validate(broken({ parameters: [{ name: 'x', in: 'nowhere' }] })));
    await assert.rejects(validate(broken({ responses: { 200: { $ref: '#/components/responses/None' } } })));
  });

  it('in docs/ it is the one that the declarations make: `npm run openapi` writes it', () => {
    assert.equal(readFileSync(join(packageRoot, 'docs/openapi.json'), 'utf8'), openApiText());
  });

  it('what the client knows of the API is what the declarations make: `npm run openapi` writes it', () => {
    const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8');
    assert.equal(read('src/client/operations.ts'), clientOperationsText());
    assert.equal(read('src/client/api.d.ts'), clientTypesText());
  });

  it('is what a server answers', async () => {
    await using api = await openApi();
    const { status, headers, body } = await api.call('GET', '/api/v1/openapi.json');
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^application\/json/);
    assert.deepEqual(body, read());
  });

  it('has every operation, with its sentence, parameters, body, answers and refusals', () => {
    const { paths } = read();
    const described = Object.values(paths).flatMap((methods) => Object.values(methods));
    assert.deepEqual(
      described.map((each) => each.operationId).toSorted(),
      operations.map(({ name }) => name).toSorted(),
    );
    for (const operation of operations) {
      const { name, method, path, parameters = {}, body, answer, stream, statuses = [200] } = operation;
      const each = paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      assert.ok(each !== undefined, name);
      assert.equal(each.summary, operation.summary);
      const own = each.parameters.filter(({ $ref }) => $ref === undefined);
      assert.deepEqual(
        own.map((parameter) => parameter.name),
        Object.keys(parameters),
      );
      for (const parameter of own)
        assert.match(parameter.description ?? '', /^[A-Z].*\.$/, `${name} ${parameter.name}`);
      assert.equal(each.requestBody !== undefined, body !== undefined || operation.bytes === true, name);
      for (const status of statuses) {
        const media: readonly string[] = Object.keys(each.responses[status]?.content ?? {});
        assert.equal(media.includes('application/json'), answer !== undefined, name);
        assert.equal(media.includes('text/event-stream'), stream !== undefined, name);
      }
      assert.ok(
        Object.keys(each.responses).some((status) => Number(status) >= 400),
        name,
      );
    }
  });

  it('says nothing twice: no two schemas of several fields are the same', () => {
    const seen = new Map<string, string>();
    const look = (value: unknown, at: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('properties' in value && Object.keys(value.properties as object).length > 1) {
        const text = JSON.stringify(value);
        assert.equal(seen.get(text), undefined, `${at} is ${seen.get(text)}`);
        seen.set(text, at);
      }
      for (const [key, each] of Object.entries(value)) look(each, `${at}/${key}`);
    };
    look(read(), '');
  });

  it('holds no long regular expression', () => {
    for (const [, pattern = ''] of openApiText().matchAll(/"pattern": "(.*)"/g))
      assert.ok(pattern.length <= 40, pattern);
  });
});
