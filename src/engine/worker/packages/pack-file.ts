import { readKeptPieces } from '../kept-file.ts';
import type { CommonJsExports } from './exports-of-commonjs.ts';
import type { FoundModule, FoundModules, ModuleSources } from './load-modules.ts';

/** One CommonJS file. */
export interface PackedFile {
  readonly filename: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  /** The file's text in the function that Node puts around it. */
  readonly text: string;
  /** V8's, of that text. */
  readonly code: Uint8Array;
}

/** What requests have resolved to, by the folder of the file that they come from, as Node remembers it. */
export type FoundFiles = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface Pack {
  readonly files: ReadonlyMap<string, PackedFile>;
  foundFrom(folder: string): ReadonlyMap<string, string> | undefined;
  allFound(): FoundFiles;
  /** What the imports of ES modules resolved to, and their texts. */
  readonly modules: FoundModules;
  readonly sources: ModuleSources;
  readonly exported: CommonJsExports;
  /** How often it was replaced by a larger one. */
  readonly generation: number;
}

/** A larger pack is not written: what does not fit in is loaded by Node. */
const maxBytes = 64 * 1024 * 1024;
/** V8 copies what is not aligned so. */
const alignment = 8;
const layout = 4;
/** Node keeps strings from so many bytes on outside of V8's heap, where they need not be moved. */
const blockBytes = 1_280_000;

type Text = readonly [block: number, at: number, length: number];

interface Header {
  readonly layout: number;
  readonly generation: number;
  /** Of the folder whose content stays as it is. */
  readonly tree: string | null;
  /** The blocks of texts in their order: their bytes, and whether a character has one or two of them. The compiled code follows. */
  readonly blocks: readonly [bytes: number, width: 1 | 2][];
  readonly codeBytes: number;
  readonly names: readonly string[];
  /** Those that have a text, as the first names. */
  readonly files: readonly [
    size: number,
    mtimeMs: number,
    ino: number,
    ...text: Text,
    codeAt: number,
    codeLength: number,
  ][];
  /** By folder: requests, each with the position of a name. */
  readonly found: readonly [folder: string, found: readonly (string | number)[]][];
  readonly modules: readonly [parentUrl: string, specifier: string, url: string, format: string | null][];
  readonly sources: readonly [url: string, ...text: Text][];
  readonly exported: readonly [url: string, names: readonly string[], passedOn: readonly number[]][];
}

interface PackToKeep extends Pick<Pack, 'modules' | 'sources' | 'exported' | 'generation'> {
  /** In the order in which they are to have room. */
  readonly files: Iterable<PackedFile>;
  readonly found: FoundFiles;
  readonly tree: string | null;
}

/** @returns the parts of a pack */
export function encodePack({
  files,
  found,
  modules,
  sources,
  exported,
  generation,
  tree,
}: PackToKeep): readonly Uint8Array[] {
  const texts = new Texts();
  const codes: Uint8Array[] = [];
  let codeBytes = 0;
  const names = new Map<string, number>();
  const entries: Header['files'][number][] = [];
  for (const { filename, size, mtimeMs, ino, text, code } of files) {
    const { length } = code;
    if (texts.bytes + text.length + codeBytes + length > maxBytes) continue;
    names.set(filename, names.size);
    entries.push([size, mtimeMs, ino, ...texts.add(text), codeBytes, length]);
    const padding = -length & (alignment - 1);
    codes.push(code, new Uint8Array(padding));
    codeBytes += length + padding;
  }
  const kept: Header['sources'][number][] = [];
  for (const [url, text] of sources)
    if (texts.bytes + text().length + codeBytes <= maxBytes) kept.push([url, ...texts.add(text())]);
  const positionOf = (name: string): number => {
    const position = names.get(name) ?? names.size;
    names.set(name, position);
    return position;
  };
  const header: Header = {
    layout,
    generation,
    tree,
    blocks: [],
    codeBytes,
    names: [],
    files: entries,
    sources: kept,
    exported: [...exported].map(([url, { names: own, passedOn }]) => [url, own, passedOn.map(positionOf)]),
    found: [...found].map(([folder, of]) => [
      folder,
      [...of].flatMap(([request, name]) => [request, positionOf(name)]),
    ]),
    modules: [...modules].flatMap(([parentUrl, of]) =>
      [...of].map(([specifier, { url, format }]) => [parentUrl, specifier, url, format] as Header['modules'][number]),
    ),
  };
  const blocks = texts.blocks.map(
    ({ text, width }) => [Buffer.from(text.join(''), width === 2 ? 'utf16le' : 'latin1'), width] as const,
  );
  const json = Buffer.from(
    JSON.stringify({
      ...header,
      blocks: blocks.map(([bytes, width]) => [bytes.length, width]),
      names: [...names.keys()],
    } satisfies Header),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length, 0);
  return [length, json, ...blocks.map(([bytes]) => bytes), ...codes];
}

/** @returns null when there is none, or when it is not whole, of another layout or of another tree */
export function readPack(path: string, tree: string | null): Pack | null {
  return readKeptPieces(path, (take) => {
    const header = JSON.parse(take(take(4).readUInt32LE(0)).toString()) as Header;
    if (header.layout !== layout || header.tree !== tree) return null;
    // One room for all blocks: memory that was used before need not be made by the system.
    const room = Buffer.allocUnsafe(header.blocks.reduce((max, [bytes]) => Math.max(max, bytes), 0));
    const blocks = header.blocks.map(([bytes, width]) =>
      take(bytes, room).toString(width === 2 ? 'utf16le' : 'latin1'),
    );
    return packOf(header, blocks, take(header.codeBytes));
  });
}

function packOf(
  { names, files, found, modules, sources, exported, generation }: Header,
  blocks: readonly string[],
  codes: Buffer,
): Pack {
  // Parts of a block that have no copy. Made only of what is asked for: an attempt may load few files.
  const textOf = (block: number, at: number, length: number): string => (blocks[block] ?? '').slice(at, at + length);
  const packed = new Map<string, PackedFile>();
  for (const [position, file] of files.entries())
    packed.set(names[position] ?? '', new Entry(names[position] ?? '', file, textOf, codes));
  const byFolder = new Map<string, readonly (string | number)[] | Map<string, string>>(found);
  const foundFrom = (folder: string): ReadonlyMap<string, string> | undefined => {
    const pairs = byFolder.get(folder);
    if (!Array.isArray(pairs)) return pairs as Map<string, string> | undefined;
    const of = new Map<string, string>();
    for (let at = 0; at < pairs.length; at += 2) of.set(pairs[at] as string, names[pairs[at + 1] as number] ?? '');
    byFolder.set(folder, of);
    return of;
  };
  return {
    files: packed,
    foundFrom,
    generation,
    modules: modulesOf(modules),
    allFound: () =>
      new Map([...byFolder.keys()].map((folder) => [folder, foundFrom(folder) ?? new Map<string, string>()])),
    exported: new Map(
      exported.map(([url, own, passedOn]) => [
        url,
        { names: own, passedOn: passedOn.map((position) => names[position] ?? '') },
      ]),
    ),
    sources: new Map(sources.map(([url, ...text]) => [url, () => textOf(...text)])),
  };
}

function modulesOf(modules: Header['modules']): FoundModules {
  const all = new Map<string, Map<string, FoundModule>>();
  for (const [parentUrl, specifier, url, format] of modules) {
    const found = all.get(parentUrl);
    if (found === undefined) all.set(parentUrl, new Map([[specifier, { url, format }]]));
    else found.set(specifier, { url, format });
  }
  return all;
}

class Entry implements PackedFile {
  readonly filename: string;
  readonly #file: Header['files'][number];
  readonly #textOf: (...text: Text) => string;
  readonly #codes: Buffer;

  constructor(filename: string, file: Header['files'][number], textOf: (...text: Text) => string, codes: Buffer) {
    this.filename = filename;
    this.#file = file;
    this.#textOf = textOf;
    this.#codes = codes;
  }

  get size(): number {
    return this.#file[0];
  }

  get mtimeMs(): number {
    return this.#file[1];
  }

  get ino(): number {
    return this.#file[2];
  }

  get text(): string {
    return this.#textOf(this.#file[3], this.#file[4], this.#file[5]);
  }

  get code(): Uint8Array {
    return this.#codes.subarray(this.#file[6], this.#file[6] + this.#file[7]);
  }
}

/** Texts one after the other, in blocks of those with the same width of characters. */
class Texts {
  readonly blocks: { readonly text: string[]; readonly width: 1 | 2; length: number }[] = [];
  bytes = 0;
  readonly #open: Record<1 | 2, number | null> = { 1: null, 2: null };

  add(text: string): Text {
    const width = isLatin1(text) ? 1 : 2;
    const block = this.#open[width] ?? this.blocks.push({ text: [], width, length: 0 }) - 1;
    const of = this.blocks[block] as Texts['blocks'][number];
    const at = of.length;
    of.text.push(text);
    of.length += text.length;
    this.bytes += text.length * width;
    this.#open[width] = of.length * width < blockBytes ? block : null;
    return [block, at, text.length];
  }
}

function isLatin1(text: string): boolean {
  return !/[^\0-\xff]/.test(text);
}
