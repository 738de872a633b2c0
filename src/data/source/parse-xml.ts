import { parseXml, XmlDeclaration, XmlError, type XmlElement } from '@rgrove/parse-xml';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { fromMessage } from '../../project/problems.ts';

export interface XmlFile {
  readonly root: XmlElement;
  /** The line, counted from 1, in which an element begins. */
  readonly lineOf: (element: XmlElement) => number;
}

/** Of one sort each, in the order that they may have before the root element: white space, processing instructions, comments. */
const beforeRoot = /\s+|<\?[^]*?\?>|<!--[^]*?-->/y;

/**
 * Parses a file of strict XML 1.0 in UTF-8. A document type is refused before anything of it is read: so there are no entities but the five of
 * XML itself.
 * @param file how messages call it
 * @throws CloudCodeError `invalid_data_model`, with line, column and caret
 */
export function parseXmlFile(file: string, bytes: Uint8Array): XmlFile {
  const text = decode(file, bytes);
  refuseDocumentType(file, text);
  const lineStarts = [0, ...Array.from(text.matchAll(/\r\n|[\r\n]/g), ({ 0: end, index }) => index + end.length)];
  try {
    const { root, children } = parseXml(text, { includeOffsets: true, preserveXmlDeclaration: true });
    refuseOtherEncoding(file, children);
    if (root === null) throw new CloudCodeError('invalid_data_model', `${file} has no element.`);
    return { root, lineOf: ({ start }) => countUpTo(lineStarts, start) };
  } catch (error) {
    if (error instanceof XmlError)
      throw malformed({
        file,
        text,
        message: error.message.split(' (line ')[0] ?? '',
        offset: offsetOf(text, error.pos),
      });
    if (error instanceof RangeError)
      throw new CloudCodeError('invalid_data_model', `${file}: its elements are nested too deeply.`, { cause: error });
    throw error;
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CloudCodeError('invalid_data_model', `${file} is not UTF-8.`, {
      hint: 'Save it in the encoding UTF-8.',
      cause: error,
    });
  }
}

/** How many of the rising numbers are not above the limit. */
function countUpTo(rising: readonly number[], limit: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function refuseDocumentType(file: string, text: string): void {
  let offset = 0;
  for (beforeRoot.lastIndex = 0; beforeRoot.test(text);) offset = beforeRoot.lastIndex;
  if (!text.startsWith('<!DOCTYPE', offset)) return;
  throw malformed({
    file,
    text,
    message: 'A document type is not allowed, nor are the entities that it may define',
    offset,
    hint: 'Remove <!DOCTYPE …>.',
  });
}

function refuseOtherEncoding(file: string, children: readonly unknown[]): void {
  const declaration = children.find((child) => child instanceof XmlDeclaration);
  const encoding = declaration?.encoding ?? 'UTF-8';
  if (!/^(utf-8|us-ascii)$/i.test(encoding)) {
    throw new CloudCodeError(
      'invalid_data_model',
      `${file}:1: the encoding is ${JSON.stringify(encoding)}; it must be UTF-8.`,
      { hint: 'Save the file in UTF-8 and write encoding="UTF-8", or nothing.' },
    );
  }
}

/** The parser counts characters; JavaScript's strings count those beyond U+FFFF as two. */
function offsetOf(text: string, characters: number): number {
  return Array.from(text).slice(0, characters).join('').length;
}

interface Malformed {
  readonly file: string;
  readonly text: string;
  readonly message: string;
  readonly offset: number;
  readonly hint?: string | null;
}

function malformed({ file, text, message, offset, hint = hintFor(message) }: Malformed): CloudCodeError {
  const before = text.slice(0, offset).split(/\r\n|[\r\n]/);
  const lineStart = before.at(-1) ?? '';
  const lineText = lineStart + (text.slice(offset).split(/[\r\n]/, 1)[0] ?? '');
  const location = {
    file,
    namespace: 'file',
    line: before.length,
    column: Buffer.byteLength(lineStart),
    length: 0,
    lineText,
    suggestion: '',
  };
  return fromMessage('invalid_data_model', {
    id: '',
    pluginName: '',
    text: message,
    location,
    notes: hint === null ? [] : [{ text: hint, location: null }],
    detail: undefined,
  });
}

function hintFor(message: string): string | null {
  if (/reference|entity/.test(message))
    return 'Write `&amp;` for the character &; besides &amp;, &lt;, &gt;, &quot; and &apos; there are only numbers, such as &#233;.';
  if (message.includes('Unescaped `<`')) return 'Write `&lt;` for the character <.';
  return null;
}
