import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { type ExpressionNode, parseExpression } from '../../../src/data/expression/parse-expression.ts';

/** An expression with all its parentheses. */
function shown(node: ExpressionNode): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return `(${node.parts.map(shown).join(` ${node.kind} `)})`;
    case 'not':
      return `!${shown(node.part)}`;
    case 'comparison':
      return `${node.name} ${node.operator} ${node.argument}`;
  }
}

function read(text: string): string {
  return shown(parseExpression(text).root);
}

function mistakeIn(text: string): CloudCodeError {
  try {
    parseExpression(text);
  } catch (error) {
    if (error instanceof CloudCodeError) return error;
    throw error;
  }
  return assert.fail(`${text} was accepted`);
}

describe('an expression is read as it is meant', () => {
  const meanings: readonly (readonly [string, string])[] = [
    ['a = ?', 'a = 0'],
    ['a=? and b!=?', '(a = 0 and b != 1)'],
    ['a < ? or b > ? and c <= ?', '(a < 0 or (b > 1 and c <= 2))'],
    ['(a < ? or b > ?) and c >= ?', '((a < 0 or b > 1) and c >= 2)'],
    ['not a = ? and b = ?', '(!a = 0 and b = 1)'],
    ['not (a = ? and b = ?) or not not c = ?', '(!(a = 0 and b = 1) or !!c = 2)'],
    ['a = ? or b = ? or c = ? and d = ? and e = ?', '(a = 0 or b = 1 or (c = 2 and d = 3 and e = 4))'],
    ['a CONTAINS ? Or a Starts\n With ? AND NOT a iN ?', '(a contains 0 or (a starts with 1 and !a in 2))'],
    ['a not in ?', '!a in 0'],
    ['  ( ( a\t=\n? ) )  ', 'a = 0'],
    ['_a1 = ?', '_a1 = 0'],
  ];
  for (const [text, meaning] of meanings) it(JSON.stringify(text), () => assert.equal(read(text), meaning));

  it('fields may have the names of words', () => {
    assert.equal(read('not = ? and and = ? or or != ?'), '((not = 0 and and = 1) or or != 2)');
    assert.equal(
      read('in in ? and contains contains ? and starts starts with ? and with < ?'),
      '(in in 0 and contains contains 1 and starts starts with 2 and with < 3)',
    );
    assert.equal(
      read('not in = ? and not contains = ? and not starts = ?'),
      '(!in = 0 and !contains = 1 and !starts = 2)',
    );
    assert.equal(
      read('not in in ? and in not in ? and not contains contains ? and not starts starts with ?'),
      '(!in in 0 and !in in 1 and !contains contains 2 and !starts starts with 3)',
    );
    assert.equal(read('not in not in ? and not not = ?'), '(!!in in 0 and !not = 1)');
  });

  it('whatever is nested in whatever', () => {
    const comparison = fc
      .tuple(
        fc.constantFrom('a', 'b_2', 'In', 'contains', 'and'),
        fc.constantFrom('=', '!=', '<', '>', '<=', '>=', 'contains', 'starts with', 'in'),
      )
      .map(([name, operator]) => `${name} ${operator} #`);
    const node = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 6 },
        comparison,
        fc
          .tuple(fc.constantFrom('and', 'or'), fc.array(tie('node'), { minLength: 2, maxLength: 4 }))
          .map(([word, parts]) => `(${parts.join(` ${word} `)})`),
        tie('node').map((part) => `!${part}`),
      ),
    })).node;
    fc.assert(
      fc.property(node, (canonical) => {
        let count = 0;
        const expected = canonical.replace(/#/g, () => String(count++));
        assert.equal(read(canonical.replace(/#/g, '?').replace(/!(?!=)/g, ' not ')), expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a wrong expression says where, and what to write instead', () => {
  const wrong: readonly (readonly [text: string, place: string, message: RegExp, hint: RegExp])[] = [
    ["make = 'Nokia'", "'Nokia'", /value is written into/, /Write \? and give the value as an argument/],
    ['make = "Nokia" or a = ?', '"Nokia"', /value is written into/, /Write \?/],
    ['count > 5', '5', /value is written into/, /Write \?/],
    ['count > -5.5e3', '-5.5e3', /value is written into/, /Write \?/],
    ['make = null', 'null', /value is written into/, /`make = \?` and give null/],
    ['done = TRUE', 'TRUE', /value is written into/, /Write \?/],
    ['make = model', 'model', /\? was expected/, /Write \?/],
    ['make = :make', ':make', /\? was expected/, /in order/],
    ['make = $1', '$1', /\? was expected/, /in order/],
    ['make == ?', '==', /`==` is no operator/, /Write `=`/],
    ['make === ?', '===', /no operator/, /Write `=`/],
    ['make <> ?', '<>', /no operator/, /Write `!=`/],
    ['make !== ?', '!==', /no operator/, /Write `!=`/],
    ['make => ?', '=>', /no operator/, /Write `>=`/],
    ['make = ? && a = ?', '&&', /`&&` does not join/, /Write `and`/],
    ['make = ? || a = ?', '||', /does not join/, /Write `or`/],
    ['! make = ?', '!', /not `!`/, /Write `not`/],
    ['make = ?, a = ?', ',', /`and` or `or` was expected/, /`and` or `or`/],
    ['make = ? a = ?', 'a', /`and` or `or` was expected/, /`and` or `or`/],
    ['make like ?', 'like', /operator was expected/, /contains \?/],
    ['make is null', 'is', /operator was expected/, /give null/],
    ['make is not null', 'is', /operator was expected/, /"is not null"/],
    ['make startsWith ?', 'startsWith', /operator was expected/, /`starts with \?`/],
    ['make starts ?', 'starts', /operator was expected/, /`starts with \?`/],
    ['make between ? and ?', 'between', /operator was expected/, />= \?/],
    ['make not like ?', 'not', /operator was expected/, /`not \(make/],
    ['make', '', /`make` is compared with nothing/, /`make = \?`/],
    ['(make) = ?', ')', /compared with nothing/, /`make = \?`/],
    ['building.name = ?', '.', /not of another/, /building in \?/],
    ['make in (?, ?)', '(', /one \?, without parentheses/, /array/],
    ['make = ', '', /ends where the \?/, /Write \?/],
    ['make = ? and', '', /ends where a comparison/, /field op \?/],
    ['and make = ?', 'and', /name of a field/, /field op \?/],
    ['"make" = ?', '"make"', /name of a field/, /without quotes/],
    ['? = make', '?', /name of a field/, /field op \?/],
    ['make = ??', '?', /One \? too many/, /field op \?/],
    ['(make = ?', '(', /never closed/, /^$/],
    ['make = ?)', ')', /never opened/, /^$/],
    ['()', ')', /no comparison before/, /field op \?/],
    ['make = ?;', ';', /`;`/, /Leave it out/],
    ['größe = ?', 'öße', /operator was expected/, /The operators are/],
    ['constructor ?', '?', /operator was expected/, /The operators are/],
  ];
  for (const [text, place, message, hint] of wrong) {
    it(text, () => {
      const error = mistakeIn(text);
      assert.equal(error.code, 'invalid_expression');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      const [line, caret, ...rest] = error.message.split('\n').slice(1);
      assert.deepEqual(rest, []);
      assert.ok(line !== undefined && caret !== undefined && /^ +\^$/.test(caret));
      assert.equal(line.trimEnd(), `  ${text}`.trimEnd());
      const at = caret.indexOf('^');
      if (place === '') assert.equal(at, line.trimEnd().length);
      else assert.ok(line.slice(at).startsWith(place), `${line}\n${caret}`);
    });
  }

  it('nothing at all', () => {
    for (const text of ['', ' \n\t ']) {
      const error = mistakeIn(text);
      assert.equal(error.message, 'The expression is empty.');
      assert.match(error.hint ?? '', /all\(\)/);
    }
  });

  it('on the right line of several, and a part of a long one', () => {
    assert.equal(
      mistakeIn('make = ?\n  and count == ?\n  and a = ?').message,
      '`==` is no operator.\n    and count == ?\n              ^',
    );
    const [, line, caret] = mistakeIn(`${'a = ? and '.repeat(90)}b == ? ${'and c = ?'.repeat(90)}`).message.split('\n');
    assert.ok(line !== undefined && line.length < 120);
    assert.ok(line.slice(caret?.indexOf('^')).startsWith('=='));
  });

  it('under signs that are wide, or have no width', () => {
    const [, line, caret] = mistakeIn("make = ? and\t'e\u0301' '日本😀' ==").message.split('\n');
    assert.deepEqual([line, caret], ["  make = ? and 'e\u0301' '日本😀' ==", '               ^']);
    const [, , below] = mistakeIn('make = ? 日本 e\u0301 x').message.split('\n');
    assert.equal(below, '           ^');
  });

  it('without passing on what a terminal would obey, or a text of any length', () => {
    const { message } = mistakeIn(`make \u001b]0;x\u0007 ${'y'.repeat(10_000)}`);
    assert.doesNotMatch(message, /\u001b|\u0007/);
    assert.ok(mistakeIn('y'.repeat(10_000)).message.length < 300);
  });

  it('also when it is too deep or too long, without failing otherwise', () => {
    assert.match(mistakeIn(`${'('.repeat(201)}a = ?${')'.repeat(201)}`).message, /nested more than 200 deep/);
    assert.match(mistakeIn('not '.repeat(100_000)).message, /nested more than 200 deep/);
    assert.match(
      mistakeIn(Array.from({ length: 1001 }, () => 'a = ?').join(' or ')).message,
      /more than 1000 comparisons/,
    );
    assert.match(mistakeIn('in '.repeat(100_000)).message, /operator was expected/);
    assert.equal(parseExpression(`${'('.repeat(200)}a = ?${')'.repeat(200)}`).places.length, 1);
    assert.equal(parseExpression(Array.from({ length: 1000 }, () => 'a = ?').join(' or ')).places.length, 1000);
  });

  it('whatever the text is', () => {
    const word = fc.constantFrom(
      'a',
      'and',
      'or',
      'not',
      'in',
      'contains',
      'starts',
      'with',
      '?',
      '(',
      ')',
      '=',
      '!=',
      '<',
      "'",
      '"',
      '`',
      '\\',
      ' ',
      '\n',
      '5',
      '.',
      '😀',
      '\ud800',
      'ß',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 30 }),
          fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            parseExpression(text);
          } catch (error) {
            assert.ok(error instanceof CloudCodeError && error.code === 'invalid_expression', String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
