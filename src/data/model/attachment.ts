import { CloudCodeError } from '../../engine/core/errors.ts';
import { attachmentMark } from '../../engine/core/marks.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { readOptions } from '../../engine/core/read-options.ts';
import { suggest } from '../../engine/core/suggest.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The most bytes of one stored file: 10 MiB. */
export const maxFileBytes = 10 * 1024 * 1024;
const maxNameLength = 1_000;

/** The bytes themselves, or those that are stored under a key. */
export type AttachmentBytes =
  | { readonly own: Uint8Array }
  | { readonly key: string; readonly read: () => Promise<Uint8Array> };

export interface AttachmentOptions {
  /** Text is stored as UTF-8. */
  readonly data: string | ArrayBuffer | ArrayBufferView;
  readonly filename?: string | null | undefined;
  /** `text/plain; charset=utf-8` for text, else `application/octet-stream`, unless given. */
  readonly contentType?: string | null | undefined;
}

/** What is known of a stored file without reading it. */
export interface StoredFile {
  readonly filename: string | null;
  readonly contentType: string | null;
  readonly size: number;
}

/** A file of an `attachment`, `photo` or `signature` field: at most 10 MiB. It never changes. */
export class Attachment {
  readonly filename: string | null;
  readonly contentType: string | null;
  /** In bytes. */
  readonly size: number;
  readonly #bytes: AttachmentBytes;

  /**
   * Takes a copy of the data.
   * @throws CloudCodeError `invalid_value` when an option is wrong or the data is over 10 MiB
   */
  constructor(options: AttachmentOptions);
  constructor(options: AttachmentOptions | StoredBytes) {
    const { bytes, file } = options instanceof StoredBytes ? options : parse(options);
    this.filename = file.filename;
    this.contentType = file.contentType;
    this.size = file.size;
    this.#bytes = bytes;
    Object.freeze(this);
  }

  /** A copy of the bytes; those of a file that was read with its object come from the database now. @throws CloudCodeError `file_replaced` */
  async bytes(): Promise<Uint8Array> {
    return 'own' in this.#bytes ? this.#bytes.own.slice() : this.#bytes.read();
  }

  /** The bytes as UTF-8 text. @throws CloudCodeError `file_replaced` */
  async text(): Promise<string> {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      'own' in this.#bytes ? this.#bytes.own : await this.#bytes.read(),
    );
  }

  toJSON(): StoredFile {
    return { filename: this.filename, contentType: this.contentType, size: this.size };
  }

  [inspectMark](): string {
    return `Attachment ${this.filename === null ? '' : `${JSON.stringify(this.filename)} `}(${this.contentType ?? 'no type'}, ${this.size} bytes)`;
  }

  get [attachmentMark](): AttachmentBytes {
    return this.#bytes;
  }
}

class StoredBytes {
  readonly file: StoredFile;
  readonly bytes: AttachmentBytes;

  constructor(file: StoredFile, bytes: AttachmentBytes) {
    this.file = file;
    this.bytes = bytes;
  }
}

/** An Attachment whose bytes are read when they are asked for. */
export function storedAttachment(file: StoredFile, bytes: AttachmentBytes): Attachment {
  return new Attachment(new StoredBytes(file, bytes) as never);
}

/** Also for an Attachment of another copy of this module. */
export function isAttachment(value: unknown): value is Attachment {
  return typeof value === 'object' && value !== null && attachmentMark in value;
}

function parse(options: unknown): { readonly file: StoredFile; readonly bytes: AttachmentBytes } {
  if (typeof options !== 'object' || options === null || isBytes(options)) {
    throw invalid(
      `An Attachment is made of one object of options; this is ${describeValue(options)}.`,
      'Write new Attachment({ data, filename, contentType }).',
    );
  }
  const known = ['data', 'filename', 'contentType'] as const;
  for (const option of Object.keys(options)) {
    if (!known.some((name) => name === option))
      throw invalid(
        `An Attachment has no option \`${option}\`.`,
        `Did you mean \`${suggest(option, known) ?? 'data'}\`?`,
      );
  }
  const { data, filename, contentType } = readOptions(options, known);
  const own = parseData(data);
  if (own.length > maxFileBytes)
    throw invalid(
      `The attachment has ${own.length} bytes; at most ${maxFileBytes} (10 MiB) are stored.`,
      'Keep it elsewhere and store where it is.',
    );
  const usualType = typeof data === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  return {
    file: {
      filename: parseName('filename', filename),
      contentType: parseName('contentType', contentType) ?? usualType,
      size: own.length,
    },
    bytes: { own },
  };
}

function parseData(data: unknown): Uint8Array {
  if (typeof data === 'string') {
    if (!data.isWellFormed())
      throw invalid('The `data` of the attachment holds a lone surrogate: it is no valid Unicode text.', 'Pass bytes.');
    return new TextEncoder().encode(data);
  }
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (isBytes(data)) return new Uint8Array(data as ArrayBuffer).slice();
  throw invalid(
    `The \`data\` of an attachment is a string, a Uint8Array or an ArrayBuffer; this is ${describeValue(data)}.`,
    'For the body of a response: await response.arrayBuffer().',
  );
}

function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

function parseName(option: string, name: unknown): string | null {
  if (name === undefined || name === null) return null;
  if (typeof name !== 'string' || name === '')
    throw invalid(
      `The \`${option}\` of an attachment is a string that is not empty; this is ${describeValue(name)}.`,
      'Leave it out when there is none.',
    );
  if (name.includes('\0') || !name.isWellFormed())
    throw invalid(`The \`${option}\` of the attachment holds U+0000 or a lone surrogate.`);
  if (name.length > maxNameLength)
    throw invalid(
      `The \`${option}\` of the attachment has ${name.length} characters; at most ${maxNameLength} are stored.`,
    );
  return name;
}

function invalid(message: string, hint?: string): CloudCodeError {
  return new CloudCodeError('invalid_value', message, { hint });
}
