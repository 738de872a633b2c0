import type { Operator } from '../model/operators.ts';
import type { Mistake } from './point-at.ts';
import type { Token } from './tokens.ts';
import { lazyPattern } from '../../engine/core/lazy-pattern.ts';

// What people write who know another language, and what to write instead.

const example = "Write ? and give the value as an argument: where('make = ?', 'Nokia').";
const form = "Write field op ?, as in where('make = ? and count > ?', 'Nokia', 5).";

const signs: Readonly<Record<string, string>> = {
  '==': '=',
  '===': '=',
  '<>': '!=',
  '!==': '!=',
  '=!': '!=',
  '≠': '!=',
  '=<': '<=',
  '≤': '<=',
  '=>': '>=',
  '≥': '>=',
  '&': 'and',
  '&&': 'and',
  '|': 'or',
  '||': 'or',
  '!': 'not',
};

const words: Readonly<Record<string, string>> = {
  like: 'Write `contains ?` or `starts with ?`; both ignore case, and % and _ mean themselves.',
  is: 'Write `= ?` and give null as the argument; `!= ?` with null means "is not null".',
  between: 'Write `field >= ? and field <= ?`.',
  startswith: 'Write `starts with ?`.',
  includes: 'Write `contains ?`.',
  equals: 'Write `= ?`.',
  ends: 'There is no such operator; `contains ?` and `starts with ?` come near.',
};

const aliases: Readonly<Record<string, string>> = {
  ilike: 'like',
  matches: 'like',
  isnull: 'is',
  starts: 'startswith',
  begins: 'startswith',
  include: 'includes',
  has: 'includes',
  contain: 'includes',
  equal: 'equals',
  eq: 'equals',
  endswith: 'ends',
};

const unprintable = lazyPattern('\\p{C}', 'gu');

/** A token for a message: short, and on one line. */
function shown({ text }: Token): string {
  const visible = text.replace(unprintable(), '\ufffd');
  return visible.length > 40 ? `${visible.slice(0, 40)}…` : visible;
}

function hintForWord(word: string): string | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(words, key) ? words[key] : Object.hasOwn(aliases, key) ? words[aliases[key] ?? ''] : undefined;
}

function hintForSign(sign: string): string {
  const meant = Object.hasOwn(signs, sign) ? signs[sign] : undefined;
  return meant === undefined
    ? 'The operators are = != < > <= >=, contains, starts with and in.'
    : `Write \`${meant}\`.`;
}

export function emptyExpression(): Mistake {
  return { at: 0, message: 'The expression is empty.', hint: 'Use all() for all objects.' };
}

export function tooDeep({ at }: Token, deepest: number): Mistake {
  return {
    at,
    message: `The expression is nested more than ${deepest} deep.`,
    hint: 'Use `in ?` with an array, or chain where() calls.',
  };
}

export function tooLong({ at }: Token, max: number): Mistake {
  return {
    at,
    message: `The expression has more than ${max} comparisons.`,
    hint: 'Use `in ?` with an array, or chain where() calls.',
  };
}

export function neverClosed({ at }: Token): Mistake {
  return { at, message: 'This parenthesis is never closed.' };
}

/** Where a field, `not` or a parenthesis was expected. */
export function missingOperand(token: Token): Mistake {
  const { kind, text, at } = token;
  switch (kind) {
    case 'end':
      return { at, message: 'The expression ends where a comparison was expected.', hint: form };
    case 'close':
      return { at, message: 'There is no comparison before this parenthesis.', hint: form };
    case 'text':
      return {
        at,
        message: 'A name of a field was expected here, not a text.',
        hint: 'Write the names of fields without quotes, and values as ?.',
      };
    case 'sign':
      return {
        at,
        message: `A name of a field was expected here, not \`${shown(token)}\`.`,
        hint: text === '!' ? hintForSign(text) : form,
      };
    case 'placeholder':
    case 'number':
    case 'wrong':
    case 'word':
    case 'open':
      return { at, message: `A name of a field was expected here, not \`${shown(token)}\`.`, hint: form };
  }
}

/** Where an operator was expected: after a field. */
export function missingOperator(field: Token, found: Token, next: Token): Mistake {
  const { kind, text, at } = found;
  if (kind === 'sign') return { at, message: `\`${shown(found)}\` is no operator.`, hint: hintForSign(text) };
  if (kind === 'wrong' && text === '.' && next.kind === 'word') {
    return {
      at,
      message: 'An expression compares fields of the model itself, not of another.',
      hint: `Find those first, and write where('${shown(field)} in ?', objects).`,
    };
  }
  if (kind === 'word' && text.toLowerCase() === 'not' && next.kind === 'word') {
    return { at, message: 'An operator was expected here, not `not`.', hint: `Write \`not (${shown(field)} …)\`.` };
  }
  const isOver = kind === 'end' || kind === 'close' || (kind === 'word' && ['and', 'or'].includes(text.toLowerCase()));
  if (isOver)
    return {
      at,
      message: `\`${shown(field)}\` is compared with nothing.`,
      hint: `Write \`${shown(field)} = ?\` and give the value as an argument, such as true or null.`,
    };
  const hint = kind === 'word' ? hintForWord(text) : undefined;
  return { at, message: `An operator was expected here, not \`${shown(found)}\`.`, hint: hint ?? hintForSign('') };
}

/** Where a `?` was expected: after an operator. */
export function missingPlaceholder(found: {
  readonly field: Token;
  readonly sign: Token;
  readonly operator: Operator;
  readonly place: Token;
  readonly next: Token;
}): Mistake {
  const { operator, place } = found;
  const { kind, text, at } = place;
  if (kind === 'end')
    return { at, message: `The expression ends where the ? of \`${operator}\` was expected.`, hint: example };
  if (kind === 'text' || kind === 'number')
    return { at, message: 'A value is written into the expression.', hint: example };
  if (kind === 'open' && operator === 'in')
    return {
      at,
      message: '`in` takes one ?, without parentheses.',
      hint: "Write `in ?` and give an array: where('make in ?', ['Nokia', 'Sony']).",
    };
  if (kind === 'sign')
    return {
      at,
      message: `A ? was expected here, not \`${shown(place)}\`.`,
      hint: `The operators are = != < > <= >=, contains, starts with and in.`,
    };
  if (kind === 'word' && text.toLowerCase() === 'null')
    return {
      at,
      message: 'A value is written into the expression.',
      hint: `Write \`${shown(found.field)} ${operator} ?\` and give null as the argument.`,
    };
  if (kind === 'word' && ['true', 'false'].includes(text.toLowerCase()))
    return { at, message: 'A value is written into the expression.', hint: example };
  if (kind === 'wrong' && /^[$:@%#]./.test(text))
    return {
      at,
      message: `A ? was expected here, not \`${shown(place)}\`.`,
      hint: 'Write ? for each value, and give the values in order.',
    };
  return { at, message: `A ? was expected here, not \`${shown(place)}\`.`, hint: example };
}

/** Where `and`, `or` or the end was expected. */
export function afterComparison(token: Token): Mistake {
  const { kind, text, at } = token;
  if (kind === 'close') return { at, message: 'This parenthesis was never opened.' };
  if (kind === 'sign')
    return {
      at,
      message: `\`${shown(token)}\` does not join comparisons.`,
      hint:
        signs[text] === 'and' || signs[text] === 'or' ? hintForSign(text) : 'Write `and` or `or` between comparisons.',
    };
  if (kind === 'placeholder') return { at, message: 'One ? too many: a comparison has one.', hint: form };
  const hint = text === ';' ? 'Leave it out.' : 'Write `and` or `or` between comparisons.';
  return { at, message: `\`and\` or \`or\` was expected here, not \`${shown(token)}\`.`, hint };
}
