/** Control characters, and those that reorder or hide what stands around them. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const colour = /\u001b\[[\d;]*m/g;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/** A name as one piece of visible text: what a terminal would act on is written out. */
export function escapeText(text: string): string {
  return text.replaceAll(
    unsafe,
    (character) => named[character] ?? `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}

/** A line of a task's console for a terminal: tabs and colours stay (and end with the line), all else is written out. */
export function escapeConsoleLine(text: string): string {
  let coloured = false;
  const parts: string[] = [];
  let end = 0;
  for (const match of text.matchAll(colour)) {
    coloured = true;
    parts.push(escapeButTabs(text.slice(end, match.index)), match[0]);
    end = match.index + match[0].length;
  }
  parts.push(escapeButTabs(text.slice(end)));
  return coloured ? `${parts.join('')}\u001b[0m` : parts.join('');
}

/** A message of several lines, which may quote names: nothing in it acts on the terminal. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeButTabs).join('\n');
}

function escapeButTabs(text: string): string {
  return text.split('\t').map(escapeText).join('\t');
}
