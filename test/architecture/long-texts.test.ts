import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type * as ParseValues from '../../src/cli/parse-values.ts';
import type * as RequestJson from '../../src/client/request-json.ts';
import type * as CheckOrder from '../../src/data/expression/check-order.ts';
import type * as ReadSchemaXml from '../../src/data/source/read-schema-xml.ts';
import type * as JsonSyntax from '../../src/service/api/parse-json.ts';
import type * as AttemptEnd from '../../src/engine/runner/attempt-end.ts';
import type * as SampleStack from '../../src/engine/runner/sample-stack.ts';
import { inChild } from '../support/in-child.ts';

/** What would take hours where the time grows with the square of the length. */
describe('a text from outside of a million characters is looked at in time that grows with its length alone', () => {
  it('a line that a task writes to standard error', async () => {
    const notice = ({ isInspectorNotice }: typeof SampleStack): boolean =>
      isInspectorNotice(`For help, see: https://nodejs.org/${'inspector'.repeat(200_000)} !`);
    assert.equal(await inChild('engine/runner/sample-stack.ts', notice), false);
  });

  it('the end of what a task wrote to standard error', async () => {
    const describeEnd = (exports: typeof AttemptEnd): string => {
      const exit = { code: 1, signal: null } as unknown as AttemptEnd.EndedProcess['exit'];
      return exports.describeEnd(
        { kind: 'exited' },
        { exit, stopping: null, errorTail: 'FATAL ERROR: '.repeat(200_000), memoryMb: 128 },
      ).outcome;
    };
    assert.equal(await inChild('engine/runner/attempt-end.ts', describeEnd), 'exited');
  });

  it('the name of a field to order by', async () => {
    const order = ({ checkOrder }: typeof CheckOrder): string => {
      try {
        checkOrder(
          { name: 'asset', fields: [], belongsTo: [], hasMany: [] } as unknown as Parameters<typeof checkOrder>[0],
          [`make${' '.repeat(2_000_000)}!`],
        );
        return 'taken';
      } catch (error) {
        return (error as { readonly code?: string }).code ?? String(error);
      }
    };
    assert.equal(await inChild('data/expression/check-order.ts', order), 'invalid_order');
  });

  it('text in schema.xml', async () => {
    const read = ({ readSchemaXml }: typeof ReadSchemaXml): unknown => {
      const xml = `<data-model><model name="asset" label="Asset"><field name="make" label="Make" type="text:name"/><display>a${' '.repeat(2_000_000)}b\n \n c</display></model></data-model>`;
      return JSON.stringify(readSchemaXml('schema.xml', Buffer.from(xml))).length > 2_000_000;
    };
    assert.equal(await inChild('data/source/read-schema-xml.ts', read), true);
  });

  it('a number on the command line', async () => {
    const parse = ({ parseAfter }: typeof ParseValues): string => {
      try {
        return String(parseAfter(`${'1'.repeat(1_000_000)}!`));
      } catch (error) {
        return (error as { readonly code?: string }).code ?? String(error);
      }
    };
    assert.equal(await inChild('cli/parse-values.ts', parse), 'invalid_after');
  });

  it('the address of a server', async () => {
    const ask = async ({ requestJson }: typeof RequestJson): Promise<string> => {
      const failed: unknown = await requestJson(
        { url: `x${'/'.repeat(1_000_000)}x`, token: null } as unknown as Parameters<typeof requestJson>[0],
        '/health',
        {},
      ).catch((error: unknown) => error);
      return (failed as { readonly code?: string }).code ?? String(failed);
    };
    assert.equal(await inChild('client/request-json.ts', ask), 'wrong_usage');
  });

  for (const [name, text] of [
    ['a string', '"a'],
    ['numbers', '1,'],
    ['white space', ' '],
    ['brackets', '['],
  ] as const) {
    it(`a body that is no JSON: ${name}`, async () => {
      const find = ({ findJsonMistake }: typeof JsonSyntax, piece: string): boolean =>
        findJsonMistake(`[${piece.repeat(1_000_000)}!`) !== null;
      assert.equal(await inChild('service/api/parse-json.ts', find, text), true);
    });
  }
});
