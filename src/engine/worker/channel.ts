import { toJson } from '../core/to-json.ts';
import { encodeFrame, FrameDecoder, frameHeaderBytes } from '../protocol/frame.ts';
import { answeredAlready, type ReplyMessage } from '../protocol/to-worker.ts';
import type { CallRequest } from '../protocol/call-requests.ts';
import type { FromWorker } from '../protocol/from-worker.ts';

// Taken before the task runs, which may put its own in their place (a file system in memory, say).
const { read, readSync, writeSync } = process.getBuiltinModule('node:fs');
const leave: (code: number) => never = process.reallyExit.bind(process);

/** The socket to the runner. It stays in blocking mode, so a waiting worker costs nothing and a write needs no event loop. */
const channelFd = 3;

/** Blocks until the runner sends a frame. @returns null when the runner is gone */
export function readFrameBlocking(): string | null {
  const header = readBlocking(frameHeaderBytes);
  if (header === null) return null;
  const length = header.readUInt32LE(0);
  return readBlocking(length)?.toString('utf8') ?? null;
}

function readBlocking(length: number): Buffer | null {
  const buffer = Buffer.allocUnsafe(length);
  for (let offset = 0; offset < length;) {
    const count = readSync(channelFd, buffer, offset, length - offset, null);
    if (count === 0) return null;
    offset += count;
  }
  return buffer;
}

/** Hands a message to the runner before it returns. When the runner is gone the worker has nothing left to live for. */
export function send(message: FromWorker): void {
  const frame = encodeFrame(toJson(message) ?? '');
  try {
    for (let offset = 0; offset < frame.length;) offset += writeSync(channelFd, frame, offset);
  } catch {
    leave(1);
  }
}

export type Failure = NonNullable<ReplyMessage['error']>;

interface Waiting {
  readonly isRead: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (failure: Failure) => void;
}

const waiting = new Map<number, Waiting>();
const decoder = new FrameDecoder();
const minRead = 65_536;
const maxRead = 1024 * 1024;
let room = minRead;
let reading = false;
let lastCall = 0;
let isOver = false;

/** Reads that are under way at a time: their answers are large, and wait in the runner while the task computes. More wait here, where they are small. */
const maxReads = 8;
let reads = 0;
const heldReads: (() => void)[] = [];

/** From here on calls are refused: the run has answered. */
export function refuseCalls(): void {
  isOver = true;
}

/** Whether a read of replies is under way. */
export function isReading(): boolean {
  return reading;
}

/** Asks the runner for something. Rejects with a `Failure`, which is no Error. Returns when the runner has taken it, but for a read, so that a task which asks for more than the runner bears is held up. */
export function call(request: CallRequest): Promise<unknown> {
  const isRead = request.kind === 'extension';
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      lastCall += 1;
      if (isRead) reads += 1;
      waiting.set(lastCall, { resolve, reject, isRead });
      send({ type: 'call', call: lastCall, request });
      readReplies();
    };
    if (isOver) refuse({ reject });
    else if (isRead && reads >= maxReads) heldReads.push(begin);
    else begin();
  });
}

function refuse({ reject }: Pick<Waiting, 'reject'>): void {
  reject(answeredAlready);
}

// One read is under way exactly while a reply is due: it keeps the event loop alive as long as a call does, and no longer.
function readReplies(): void {
  if (reading || waiting.size === 0) return;
  reading = true;
  const buffer = Buffer.allocUnsafe(room);
  read(channelFd, buffer, 0, buffer.length, null, (error, count) => {
    reading = false;
    if (error !== null || count === 0) leave(1);
    // A large reply comes in pieces as large as the socket holds, and each read is a trip through the thread pool.
    room = count === buffer.length ? maxRead : minRead;
    for (const text of decoder.push(Buffer.from(buffer.subarray(0, count)))) settle(JSON.parse(text) as ReplyMessage);
    readReplies();
  });
}

function settle(reply: ReplyMessage): void {
  const call = waiting.get(reply.call);
  waiting.delete(reply.call);
  if (call?.isRead === true) {
    reads -= 1;
    heldReads.shift()?.();
  }
  if (reply.error === null) call?.resolve(reply.value);
  else call?.reject(reply.error);
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the only way to name what @types/node leaves out
  namespace NodeJS {
    interface Process {
      /** Ends the process at once, without running exit handlers. */
      reallyExit(code: number): never;
    }
  }
}
