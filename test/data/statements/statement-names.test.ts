import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { openParameters, statementOf } from '../../../src/data/statements/statement.ts';
import { schemaName } from '../../../src/data/statements/target.ts';

test('a schema is named after its environment; a name that PostgreSQL would cut off gets another', () => {
  assert.equal(schemaName('testing'), 'cloudcode_testing');
  const long = 'e'.repeat(54);
  assert.notEqual(schemaName(`${long}1`), schemaName(`${long}2`));
  assert.ok(Buffer.byteLength(schemaName('ü'.repeat(100))) <= 63);
});

test('statements are prepared from their second use on, and no more than a thousand of them', () => {
  const parameters = openParameters({ runId: randomUUID(), fence: '1' });
  const nameOf = (text: string): string => statementOf(text, parameters).name;
  const text = `select ${randomUUID()}`;
  assert.equal(nameOf(text), '');
  const name = nameOf(text);
  assert.match(name, /^data_[0-9a-f]{32}$/);
  assert.equal(nameOf(text), name);
  const names = new Set(
    Array.from({ length: 3000 }, (_, index) => [nameOf(`select ${index}`), nameOf(`select ${index}`)]).flat(),
  );
  assert.ok(names.size <= 1001);
  assert.equal(nameOf(text), name);
  assert.equal(nameOf(`select ${'x'.repeat(100_000)}`), '');
});
