/**
 * Puts a statement first in a module, in time that grows with the text alone: after the directives, so that they stay ones, and else at the very
 * beginning, so that each comment keeps its place before what it speaks of. No line number changes.
 */
export function insertFirst(text: string, statement: string): string {
  const source = text.replace(/^\uFEFF/, '').replace(/^#!/, '//');
  const end = endOfDirectives(source);
  return end === null ? statement + source : `${source.slice(0, end)};${statement}${source.slice(end)}`;
}

/** Where the last directive ends, after its semicolon if it has one; null without one. */
function endOfDirectives(source: string): number | null {
  let end: number | null = null;
  let at = skipBlank(source, 0).at;
  for (;;) {
    const stringEnd = endOfString(source, at);
    if (stringEnd === null) return end;
    const next = skipBlank(source, stringEnd);
    const isDirective =
      source[next.at] === ';' || next.at === source.length || (next.hasNewline && !continues(source, next.at));
    if (!isDirective) return end;
    end = source[next.at] === ';' ? next.at + 1 : stringEnd;
    at = skipBlank(source, end).at;
  }
}

/** What makes an expression go on in the next line, where no semicolon is set automatically. */
const continuation = /\.(?!\d)|[([`*/,?=<>&|^%]|\+(?!\+)|-(?!-)|!=|in(?:stanceof)?(?![\w$\\]|[^\0-\x7f])/y;

function continues(source: string, at: number): boolean {
  continuation.lastIndex = at;
  return continuation.test(source);
}

/** The end of a string in single or double quotes that begins here; null where none does, or where its line ends before it. */
function endOfString(source: string, start: number): number | null {
  const quote = source[start];
  if (quote !== '"' && quote !== "'") return null;
  for (let at = start + 1; at < source.length; at += 1) {
    const character = source[at];
    if (character === quote) return at + 1;
    if (character === '\n' || character === '\r') return null;
    if (character === '\\') at += source.startsWith('\r\n', at + 1) ? 2 : 1;
  }
  return null;
}

/** Skips white space and comments. */
function skipBlank(source: string, start: number): { readonly at: number; readonly hasNewline: boolean } {
  let hasNewline = false;
  let at = start;
  for (;;) {
    const end = endOfBlank(source, at);
    if (end === at) return { at, hasNewline };
    hasNewline ||= lineEnd.test(source.slice(at, end));
    at = end;
  }
}

const lineEnd = /[\n\r\u2028\u2029]/;
const lineEnds = new RegExp(lineEnd, 'g');
const blank = /\s+/y;

/** The end of the white space or comment that begins here. Scripts may have the comments of HTML, too. */
function endOfBlank(source: string, at: number): number {
  if (source.startsWith('//', at) || source.startsWith('<!--', at)) {
    lineEnds.lastIndex = at;
    return lineEnds.exec(source)?.index ?? source.length;
  }
  if (source.startsWith('/*', at)) {
    const close = source.indexOf('*/', at + 2);
    return close === -1 ? source.length : close + 2;
  }
  blank.lastIndex = at;
  return blank.test(source) ? blank.lastIndex : at;
}
