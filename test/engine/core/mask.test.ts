import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskerOf } from '../../../src/engine/core/mask.ts';

test('of values that overlap, or of which one holds another, nothing is left', () => {
  const masker = maskerOf(['abcdef', 'cdefgh', 'cdef', 'xyzxyz']);
  assert.equal(masker.text('1 abcdefgh 2 cdef 3 xyzxyzxyz 4 abcde'), '1 *** 2 *** 3 *** 4 abcde');
  assert.equal(masker.text('cdefcdef'), '***');
});

test('half of a value at the edge of a text that was cut is masked too, and only there', () => {
  const masker = maskerOf(['secret value']);
  assert.equal(masker.text('so it is secret v', { end: true }), 'so it is ***');
  assert.equal(masker.text('t value, it was', { start: true }), '***, it was');
  assert.equal(masker.text('so it is secret v'), 'so it is secret v');
});

test('of a long text the beginning is wanted: a value that goes on behind it is masked as a whole', () => {
  assert.equal(maskerOf(['secret value']).text('it is secret value, and more', { length: 10 }), 'it is ***');
  assert.equal(maskerOf(['none of it']).text('abcdef', { length: 3 }), 'abc');
  assert.equal(maskerOf([]).text('abcdef', { length: 3 }), 'abc');
});

test('whatever a value is, it is not in a text that held it, as it is, in JSON, inspected or percent-encoded', () => {
  // Characters that do not stand in the text around it.
  const value = fc.string({
    unit: fc.constantFrom(...Array.from('qwzkQWZ \t\n\r"\'\\`$%ü🐘\u2028')),
    minLength: 4,
    maxLength: 40,
  });
  const wanted = value.filter((each) => each.split(/\r\n|[\r\n]/).some((line) => line.trim().length >= 4));
  fc.assert(
    fc.property(fc.array(wanted, { minLength: 1, maxLength: 4 }), (secrets) => {
      const masker = maskerOf(secrets);
      for (const secret of secrets) {
        const texts = [secret, JSON.stringify({ a: secret }), inspect({ a: secret }), encodeURIComponent(secret)];
        for (const line of texts.flatMap((text) => `<${text}>`.split('\n'))) {
          const masked = masker.text(line);
          for (const part of secret.split(/\r\n|[\r\n]/).filter((each) => each.length >= 4))
            assert.equal(masked.includes(part), false, JSON.stringify({ secret, line, masked }));
        }
        for (const text of texts.slice(1, 2)) assert.match(masker.text(text), /\*\*\*/);
      }
    }),
    { numRuns: 500 },
  );
});

test('an error is masked in all that it has, numbers too', () => {
  const masked = maskerOf(['12345', 'secret value']).error({
    name: 'secret value',
    message: 'no 12345',
    stack: 'Error: secret value\n at x',
    properties: { code: 12345, 'secret value': true, status: 404, text: 'the secret value' },
  });
  assert.deepEqual(masked, {
    name: '***',
    message: 'no ***',
    stack: 'Error: ***\n at x',
    properties: { code: '***', '***': true, status: 404, text: 'the ***' },
  });
  assert.equal(maskerOf(['12345']).error(null), null);
});
