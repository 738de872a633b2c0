import { invalidExpression, type Mistake } from './point-at.ts';
import {
  afterComparison,
  emptyExpression,
  missingOperand,
  missingOperator,
  missingPlaceholder,
  neverClosed,
  tooDeep,
  tooLong,
} from './mistakes.ts';
import { type Operator, operators } from '../model/operators.ts';
import { type Token, tokenise } from './tokens.ts';

export interface Expression {
  readonly root: ExpressionNode;
  /** Where each `?` stands. */
  readonly places: readonly number[];
}

export type ExpressionNode =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly ExpressionNode[] }
  | { readonly kind: 'not'; readonly part: ExpressionNode }
  | {
      readonly kind: 'comparison';
      readonly name: string;
      readonly at: number;
      readonly operator: Operator;
      readonly operatorAt: number;
      readonly argument: number;
    };

const maxDepth = 200;
const maxComparisons = 1000;
const maxKeptLength = 2000;
const maxKept = 500;
const kept = new Map<string, Expression>();

/**
 * Reads `field op ?` joined with `and`, `or`, `not` and parentheses, whatever their case. `not` binds before `and`, `and` before `or`. Whether the
 * fields exist is for checkCondition. Nested at most 200 deep, with at most 1,000 comparisons.
 * @throws CloudCodeError `invalid_expression`, with a caret under the place
 */
export function parseExpression(text: string): Expression {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const expression = parse(text);
  if (text.length > maxKeptLength) return expression;
  // A task has few expressions; one that builds them from values gets no slower than without this.
  if (kept.size >= maxKept) kept.clear();
  kept.set(text, expression);
  return expression;
}

/** Where the parser is. */
interface Cursor {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly places: number[];
  position: number;
  depth: number;
}

function parse(text: string): Expression {
  const cursor: Cursor = { text, tokens: tokenise(text), places: [], position: 0, depth: 0 };
  if (peek(cursor).kind === 'end') throw refused(cursor, emptyExpression());
  const root = parseJoined(cursor, 'or');
  if (peek(cursor).kind !== 'end') throw refused(cursor, afterComparison(peek(cursor)));
  return { root, places: cursor.places };
}

function parseJoined(cursor: Cursor, word: 'and' | 'or'): ExpressionNode {
  const parsePart = (): ExpressionNode => (word === 'or' ? parseJoined(cursor, 'and') : parseNot(cursor));
  const first = parsePart();
  const parts = [first];
  while (isWord(peek(cursor), word)) {
    cursor.position += 1;
    parts.push(parsePart());
  }
  return parts.length === 1 ? first : { kind: word, parts };
}

function parseNot(cursor: Cursor): ExpressionNode {
  const token = peek(cursor);
  // A field may be called `not`; then an operator follows.
  if (isWord(token, 'not') && operatorAt(cursor, 1) === null) return { kind: 'not', part: deeper(cursor, parseNot) };
  if (token.kind !== 'open') return parseComparison(cursor);
  const part = deeper(cursor, (inner) => parseJoined(inner, 'or'));
  if (peek(cursor).kind === 'end') throw refused(cursor, neverClosed(token));
  if (peek(cursor).kind !== 'close') throw refused(cursor, afterComparison(peek(cursor)));
  cursor.position += 1;
  return part;
}

/** Steps over the token that opens a level, and parses what is in it. */
function deeper(cursor: Cursor, parsePart: (cursor: Cursor) => ExpressionNode): ExpressionNode {
  if (cursor.depth >= maxDepth) throw refused(cursor, tooDeep(peek(cursor), maxDepth));
  cursor.position += 1;
  cursor.depth += 1;
  const part = parsePart(cursor);
  cursor.depth -= 1;
  return part;
}

function parseComparison(cursor: Cursor): ExpressionNode {
  const field = peek(cursor);
  const found = operatorAt(cursor, 1);
  if (field.kind !== 'word' || (found === null && ['and', 'or', 'not'].includes(field.text.toLowerCase())))
    throw refused(cursor, missingOperand(field));
  if (found === null) throw refused(cursor, missingOperator(field, peek(cursor, 1), peek(cursor, 2)));
  const sign = peek(cursor, 1);
  const place = peek(cursor, 1 + found.length);
  if (place.kind !== 'placeholder')
    throw refused(
      cursor,
      missingPlaceholder({ field, sign, operator: found.operator, place, next: peek(cursor, 2 + found.length) }),
    );
  if (cursor.places.length >= maxComparisons) throw refused(cursor, tooLong(field, maxComparisons));
  cursor.places.push(place.at);
  cursor.position += found.length + 2;
  const comparison: ExpressionNode = {
    kind: 'comparison',
    name: field.text,
    at: field.at,
    operator: found.operator,
    operatorAt: sign.at,
    argument: cursor.places.length - 1,
  };
  return found.isNot ? { kind: 'not', part: comparison } : comparison;
}

interface FoundOperator {
  readonly operator: Operator;
  /** True for `not in`. */
  readonly isNot: boolean;
  /** Tokens. */
  readonly length: number;
}

/** The operator so many tokens ahead. A word is one only where it cannot be a field, for a field may be called `in`. */
function operatorAt(cursor: Cursor, ahead: number): FoundOperator | null {
  const token = peek(cursor, ahead);
  const next = peek(cursor, ahead + 1);
  if (token.kind === 'sign') {
    const operator = operators.find((each) => each === token.text);
    return operator === undefined ? null : { operator, isNot: false, length: 1 };
  }
  if (isWord(token, 'starts') && isWord(next, 'with')) return { operator: 'starts with', isNot: false, length: 2 };
  if (isWord(token, 'not') && isWord(next, 'in') && !isFollowedByOperator(cursor, ahead + 2))
    return { operator: 'in', isNot: true, length: 2 };
  const operator = isWord(token, 'contains') ? 'contains' : isWord(token, 'in') ? 'in' : null;
  return operator === null || isFollowedByOperator(cursor, ahead + 1) ? null : { operator, isNot: false, length: 1 };
}

// `not in = ?` compares a field called `in`.
function isFollowedByOperator(cursor: Cursor, ahead: number): boolean {
  const token = peek(cursor, ahead);
  const next = peek(cursor, ahead + 1);
  if (token.kind === 'sign' || isWord(token, 'contains') || isWord(token, 'in')) return true;
  return (isWord(token, 'starts') && isWord(next, 'with')) || (isWord(token, 'not') && isWord(next, 'in'));
}

function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[cursor.position + ahead] ?? { kind: 'end', text: '', at: cursor.text.trimEnd().length };
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text.toLowerCase() === word;
}

function refused(cursor: Cursor, mistake: Mistake): Error {
  return invalidExpression(cursor.text, mistake);
}
