import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

interface Content {
  readonly format: 'cjs' | 'esm';
  readonly code: string;
  readonly sourceMap: string;
}

/** So much takes about a millisecond. */
const sliceCharacters = 256 * 1024;

/** The name of a bundle: equal for equal content, so that a copy of it can be checked against its name. */
export function bundleHash(content: Content): string {
  const hash = createHash('sha256');
  for (const slice of slicesOf(content)) hash.update(slice);
  return hash.digest('hex');
}

/** As bundleHash, for a process whose event loop must not stand still meanwhile. */
export async function bundleHashBesides(content: Content): Promise<string> {
  const hash = createHash('sha256');
  for (const slice of slicesOf(content)) {
    hash.update(slice);
    await setImmediate();
  }
  return hash.digest('hex');
}

/** The JSON of `[format, code, sourceMap]`. */
function* slicesOf({ format, code, sourceMap }: Content): Generator<string> {
  yield `["${format}","`;
  yield* jsonSlices(code);
  yield '","';
  yield* jsonSlices(sourceMap);
  yield '"]';
}

function* jsonSlices(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const to = from + sliceCharacters;
    // The halves of a pair stay together: alone they would be escaped.
    const end = isHighSurrogate(text.charCodeAt(to - 1)) ? to + 1 : to;
    yield JSON.stringify(text.slice(from, end)).slice(1, -1);
    from = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
