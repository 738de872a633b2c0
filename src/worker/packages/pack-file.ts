import { readKept } from '../kept-file.ts';
import type { FoundModule, FoundModules } from './load-modules.ts';

/** One CommonJS file: what it says, and what it loads. */
export interface PackedFile {
  readonly filename: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  /** The file's text in the function that Node puts around it. */
  readonly text: string;
  /** V8's, of that text. */
  readonly code: Uint8Array;
  /** What its requests resolved to. */
  readonly found: ReadonlyMap<string, string>;
}

export interface Pack {
  readonly files: ReadonlyMap<string, PackedFile>;
  /** What the imports of ES modules resolved to. */
  readonly modules: FoundModules;
  /** How often it was replaced by a larger one. */
  readonly generation: number;
}

/** A larger pack is not written: what does not fit in is loaded by Node. */
const maxBytes = 64 * 1024 * 1024;
/** V8 copies what is not aligned so. */
const alignment = 8;
const layout = 1;

interface Header {
  readonly layout: number;
  readonly generation: number;
  /** Bytes of the texts whose characters are one byte each; those with two bytes follow, then the compiled code. */
  readonly oneByte: number;
  readonly twoBytes: number;
  readonly modules: readonly [parentUrl: string, specifier: string, url: string, format: string | null][];
  readonly files: readonly [filename: string, size: number, mtimeMs: number, ino: number, isTwoBytes: 0 | 1, textAt: number, textLength: number, codeAt: number, codeLength: number, found: readonly string[]][];
}

interface PackToKeep {
  /** In the order in which they are to have room. */
  readonly files: Iterable<PackedFile>;
  readonly modules: FoundModules;
  readonly generation: number;
}

/** @returns the parts of a pack */
export function encodePack({ files, modules, generation }: PackToKeep): readonly Uint8Array[] {
  const texts = [new Blocks(1), new Blocks(2)] as const;
  const codes = new Blocks(alignment);
  const entries: Header['files'][number][] = [];
  let bytes = 0;
  for (const { filename, size, mtimeMs, ino, text, code, found } of files) {
    const isTwoBytes = isLatin1(text) ? 0 : 1;
    const encoded = Buffer.from(text, isTwoBytes === 1 ? 'utf16le' : 'latin1');
    if (bytes + encoded.length + code.length > maxBytes) continue;
    bytes += encoded.length + code.length;
    entries.push([filename, size, mtimeMs, ino, isTwoBytes, texts[isTwoBytes].add(encoded) >> isTwoBytes, text.length, codes.add(code), code.length, [...found].flat()]);
  }
  const imports = [...modules].flatMap(([parentUrl, found]) => [...found].map(([specifier, { url, format }]) => [parentUrl, specifier, url, format] as Header['modules'][number]));
  const header: Header = { layout, generation, modules: imports, oneByte: texts[0].length, twoBytes: texts[1].length, files: entries };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length, 0);
  const before = [length, json, ...texts[1].parts, ...texts[0].parts];
  // The checksum comes first.
  const padding = Buffer.alloc(-(4 + before.reduce((sum, part) => sum + part.length, 0)) & (alignment - 1));
  return [...before, padding, ...codes.parts];
}

/** @returns null when there is none, or when it is not whole or of another layout */
export function readPack(path: string): Pack | null {
  const data = readKept(path);
  if (data === null) return null;
  const length = data.readUInt32LE(0);
  const header = JSON.parse(data.toString('utf8', 4, 4 + length)) as Header;
  if (header.layout !== layout) return null;
  const twoBytesAt = 4 + length;
  const oneByteAt = twoBytesAt + header.twoBytes;
  const end = oneByteAt + header.oneByte;
  const codesAt = end + (-(4 + end) & (alignment - 1));
  // One string, of which all others are parts that have no copy.
  const texts = [data.toString('latin1', oneByteAt, end), data.toString('utf16le', twoBytesAt, oneByteAt)] as const;
  const files = new Map<string, PackedFile>();
  for (const file of header.files) {
    const [filename, , , , isTwoBytes, textAt, textLength, codeAt, codeLength] = file;
    const text = (): string => texts[isTwoBytes].slice(textAt, textAt + textLength);
    files.set(filename, new Entry(file, text, () => data.subarray(codesAt + codeAt, codesAt + codeAt + codeLength)));
  }
  return { files, modules: modulesOf(header), generation: header.generation };
}

function modulesOf({ modules }: Header): FoundModules {
  const all = new Map<string, Map<string, FoundModule>>();
  for (const [parentUrl, specifier, url, format] of modules) {
    const found = all.get(parentUrl);
    if (found === undefined) all.set(parentUrl, new Map([[specifier, { url, format }]]));
    else found.set(specifier, { url, format });
  }
  return all;
}

// Made of a pack's file only what is asked for: an attempt may load few of them.
class Entry implements PackedFile {
  readonly filename: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly #text: () => string;
  readonly #code: () => Uint8Array;
  readonly #pairs: readonly string[];
  #found: Map<string, string> | null = null;

  constructor([filename, size, mtimeMs, ino, , , , , , pairs]: Header['files'][number], text: () => string, code: () => Uint8Array) {
    this.filename = filename;
    this.size = size;
    this.mtimeMs = mtimeMs;
    this.ino = ino;
    this.#text = text;
    this.#code = code;
    this.#pairs = pairs;
  }

  get text(): string {
    return this.#text();
  }

  get code(): Uint8Array {
    return this.#code();
  }

  get found(): ReadonlyMap<string, string> {
    if (this.#found !== null) return this.#found;
    const found = new Map<string, string>();
    for (let at = 0; at + 1 < this.#pairs.length; at += 2) found.set(this.#pairs[at] ?? '', this.#pairs[at + 1] ?? '');
    return (this.#found = found);
  }
}

/** Byte arrays one after the other, each at a multiple of `alignment`. */
class Blocks {
  readonly parts: Uint8Array[] = [];
  readonly #alignment: number;
  length = 0;

  constructor(alignment: number) {
    this.#alignment = alignment;
  }

  /** @returns where it begins */
  add(block: Uint8Array): number {
    const at = this.length;
    const padding = -block.length & (this.#alignment - 1);
    this.parts.push(block);
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    this.length += block.length + padding;
    return at;
  }
}

function isLatin1(text: string): boolean {
  return !/[^\0-\xff]/.test(text);
}
