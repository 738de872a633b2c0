import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findJsonMistake } from '../../../src/service/api/parse-json.ts';

describe('a mistake in JSON is told with its place', () => {
  const mistakes = [
    ['', 1, 1, 'a value', 'the end'],
    ['  \n ', 2, 2, 'a value', 'the end'],
    ['{a:1}', 1, 2, 'a key in double quotes, or }', '"a"'],
    ["{'a':1}", 1, 2, 'a key in double quotes, or }', '"\'"'],
    ['{"a":1,}', 1, 8, 'a key in double quotes', '"}"'],
    ['[1,]', 1, 4, 'a value', '"]"'],
    ['[1 2]', 1, 4, ', or ]', '"2"'],
    ['{"a" 1}', 1, 6, ':', '"1"'],
    ['{"a":01}', 1, 7, ', or }', '"1"'],
    ['{"a":tru}', 1, 6, 'a value', '"tru"'],
    ['{}x', 1, 3, 'the end', '"x"'],
    ['{"a":1]', 1, 7, ', or }', '"]"'],
    ['"a\nb"', 1, 1, 'a value', '"\\"a"'],
    ['[1,\n\n  undefined]', 3, 3, 'a value', '"undefined"'],
  ] as const;
  for (const [text, line, column, expected, found] of mistakes) {
    it(JSON.stringify(text), () => assert.deepEqual(findJsonMistake(text), { line, column, expected, found }));
  }

  it('finds one exactly where JSON.parse does', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"',
      '1',
      '-',
      '0',
      '.',
      'e',
      'true',
      'nul',
      ' ',
      '\n',
      '\\',
      '\u0000',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        assert.equal(findJsonMistake(text) === null, isJson(text), text);
      }),
      { numRuns: 20_000 },
    );
    fc.assert(fc.property(fc.json(), (text) => assert.equal(findJsonMistake(text), null)));
  });

  it('takes no longer than the text is long', () => {
    const began = performance.now();
    assert.notEqual(findJsonMistake(`{"a":[${'[1,"x"],'.repeat(500_000)}}`), null);
    assert.notEqual(findJsonMistake(`"${'a'.repeat(4_000_000)}`), null);
    assert.notEqual(findJsonMistake(' '.repeat(4_000_000)), null);
    assert.ok(performance.now() - began < 10_000);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
