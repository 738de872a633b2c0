import { maxFrameBytes } from './limits.ts';

/** A frame is its length in bytes (32 bits, little endian), then its text in UTF-8. */
export const frameHeaderBytes = 4;

export function encodeFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(frameHeaderBytes + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, frameHeaderBytes);
  return frame;
}

/** Puts frames together from the pieces in which a stream brings them. */
export class FrameDecoder {
  #pieces: Buffer[] = [];
  #length = 0;

  /** @throws Error when the bytes are no frames; the stream cannot be read on */
  push(piece: Buffer): string[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const texts: string[] = [];
    for (let text = this.#take(); text !== null; text = this.#take()) texts.push(text);
    return texts;
  }

  #take(): string | null {
    if (this.#length < frameHeaderBytes) return null;
    const first = this.#pieces[0];
    const header = first !== undefined && first.length >= frameHeaderBytes ? first : this.#joined();
    const length = header.readUInt32LE(0);
    if (length > maxFrameBytes) throw new Error(`a frame of ${length} bytes is over the limit of ${maxFrameBytes}`);
    if (this.#length < frameHeaderBytes + length) return null;
    const all = this.#joined();
    const rest = all.subarray(frameHeaderBytes + length);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return all.toString('utf8', frameHeaderBytes, frameHeaderBytes + length);
  }

  #joined(): Buffer {
    const joined = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = joined === undefined ? [] : [joined];
    return joined ?? Buffer.alloc(0);
  }
}
