import { CloudCodeError } from '../../engine/core/errors.ts';
import { lazyPattern } from '../../engine/core/lazy-pattern.ts';

/** A place in an expression, and what is wrong there. */
export interface Mistake {
  /** The index of the first character. */
  readonly at: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The error that shows the place of a mistake with a caret. */
export function invalidExpression(text: string, { at, message, hint }: Mistake): CloudCodeError {
  return new CloudCodeError('invalid_expression', text.trim() === '' ? message : `${message}\n${pointAt(text, at)}`, {
    hint,
  });
}

const charactersBefore = 60;
const charactersAfter = 40;

/** The line that holds the place, and a caret under it. A long line is cut. */
function pointAt(text: string, at: number): string {
  const start = Math.max(text.lastIndexOf('\n', at - 1), text.lastIndexOf('\r', at - 1)) + 1;
  const end = text.slice(at).search(/[\r\n]/);
  // Twice as many UTF-16 units as characters are shown, and more.
  const before = Array.from(text.slice(Math.max(start, at - 3 * charactersBefore), at), visible);
  const after = Array.from(
    text.slice(at, Math.min(end < 0 ? text.length : at + end, at + 3 * charactersAfter)),
    visible,
  );
  const shownBefore = before.length > charactersBefore ? ['…', ...before.slice(-charactersBefore)] : before;
  const shownAfter = after.length > charactersAfter ? [...after.slice(0, charactersAfter), '…'] : after;
  return `  ${shownBefore.join('')}${shownAfter.join('')}\n  ${shownBefore.map(blank).join('')}^`;
}

const unprintable = lazyPattern('\\p{C}|\\s', 'u');
const combining = lazyPattern('[\\p{M}\\u200d]', 'u');
const wide = lazyPattern(
  '[\\p{Emoji_Presentation}\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\uff01-\\uff60]',
  'u',
);

function visible(character: string): string {
  return unprintable().test(character) && character !== '\u200d' ? ' ' : character;
}

// As wide as the character: fields are ASCII, but a value that was written into the expression may be anything.
function blank(character: string): string {
  if (combining().test(character)) return '';
  return wide().test(character) ? '  ' : ' ';
}
