import { lazyPattern } from '../../engine/core/lazy-pattern.ts';

/** `wrong` is what no expression holds: a value, or a sign of another language. What to do about it depends on where it stands. */
export interface Token {
  readonly kind: 'word' | 'sign' | 'placeholder' | 'open' | 'close' | 'text' | 'number' | 'wrong' | 'end';
  readonly text: string;
  readonly at: number;
}

const kinds: readonly (readonly [Token['kind'], RegExp])[] = [
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['placeholder', /\?/y],
  ['open', /\(/y],
  ['close', /\)/y],
  ['sign', /[=<>!&|≠≤≥]+/y],
  ['text', /'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.|"")*"?|`[^`]*`?/sy],
  ['number', /[-+]?\.?\d[\w.]*/y],
];
const wrong = lazyPattern('[$:@%#][A-Za-z0-9_{]+|\\p{L}[\\p{L}\\p{N}_]*|.', 'suy');

const space = /\s*/y;

/** Cuts an expression into its tokens; the last is `end`. Never fails. */
export function tokenise(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = lengthOf(space, text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.text.length;
    at += lengthOf(space, text, at);
  }
  return [...tokens, { kind: 'end', text: '', at: text.trimEnd().length }];
}

function tokenAt(text: string, at: number): Token {
  for (const [kind, pattern] of kinds) {
    const length = lengthOf(pattern, text, at);
    if (length > 0) return { kind, text: text.slice(at, at + length), at };
  }
  return { kind: 'wrong', text: text.slice(at, at + lengthOf(wrong(), text, at)), at };
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
