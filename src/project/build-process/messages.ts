import { deserialize, serialize } from 'node:v8';
import type { ErrorCode } from '../../engine/core/errors.ts';
import type { BuildStep } from '../build-steps.ts';
import type { BrokenTasks, BuiltProject, BuiltTask } from '../build-project.ts';
import type { ProjectConfig } from '../config.ts';

/** What it is to do, as JSON on its standard input. */
export type BuildJob =
  | {
      readonly kind: 'project';
      readonly folder: string;
      readonly brokenTasks: BrokenTasks;
      readonly cache: string | null;
    }
  /** The configuration alone. */
  | { readonly kind: 'configuration'; readonly folder: string };

/** What the process of a build tells. Each task by itself: whoever reads them has time for other things in between. The last is `built`, `read`, `refused` or `failed`. */
export type BuildMessage =
  | BuildStep
  | { readonly kind: 'task'; readonly task: BuiltTask }
  /** What it has read, or looked for in vain. */
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | { readonly kind: 'built'; readonly project: Omit<BuiltProject, 'tasks'> }
  | { readonly kind: 'read'; readonly config: ProjectConfig }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string | undefined };

/** The descriptor to which it writes them. */
export const messageDescriptor = 3;

const headerBytes = 4;

/** Its length in bytes (32 bits, little endian), then the message as V8 serialises it. */
export function encodeMessage(message: BuildMessage): Buffer {
  const body = serialize(message);
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(body.length);
  return Buffer.concat([header, body]);
}

/** Puts messages together from the pieces in which a stream brings them. */
export function messageDecoder(): (piece: Buffer) => BuildMessage[] {
  let pieces: Buffer[] = [];
  let length = 0;
  const read = (count: number): Buffer | null => {
    if (length < count) return null;
    if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
    return pieces[0] ?? null;
  };
  const take = (): BuildMessage | null => {
    const header = (pieces[0]?.length ?? 0) >= headerBytes ? (pieces[0] ?? null) : read(headerBytes);
    const end = header === null ? 0 : headerBytes + header.readUInt32LE();
    const whole = end === 0 ? null : read(end);
    if (whole === null) return null;
    const rest = whole.subarray(end);
    pieces = rest.length === 0 ? [] : [rest];
    length = rest.length;
    return deserialize(whole.subarray(headerBytes, end)) as BuildMessage;
  };
  return (piece) => {
    pieces.push(piece);
    length += piece.length;
    const messages: BuildMessage[] = [];
    for (let message = take(); message !== null; message = take()) messages.push(message);
    return messages;
  };
}
