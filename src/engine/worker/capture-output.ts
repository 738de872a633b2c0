import type { StringDecoder } from 'node:string_decoder';
import type { LogLevel } from '../core/run.ts';
import { keptAtEachEnd, maxLogBytes } from '../protocol/limits.ts';
import { send } from './channel.ts';

// Taken before the task runs, which may stop the time for its own code.
const { now } = Date;
const { setTimeout } = globalThis;

/** What is written beyond the bounds goes to the runner so often. */
const flushMs = 250;
/** Of one message to the runner. */
const pieceLength = 16_384;

interface Held {
  readonly level: LogLevel;
  readonly at: number;
  text: string;
}

const decoders = new Map<'stdout' | 'stderr', StringDecoder>();
let sentBytes = 0;
let level: LogLevel | null = null;
/** The last of what was written beyond the bounds, and how much of it was left out before. */
let held: Held[] = [];
let heldBytes = 0;
const cut = { lines: 0, bytes: 0 };
let isFlushDue = false;
let flushedAt = 0;

function emit(defaultLevel: LogLevel, text: string): void {
  const room = maxLogBytes - sentBytes;
  const first = text.length > room ? text.slice(0, Math.max(0, room)) : text;
  sentBytes += first.length;
  if (first !== '') send({ type: 'lines', level: level ?? defaultLevel, at: now(), text: first });
  if (first.length < text.length) hold(level ?? defaultLevel, text.slice(first.length));
}

// From here on the runner keeps the last of it only. It is sent now and then, so that a flood costs little and what came before a crash is not lost.
function hold(ofLevel: LogLevel, text: string): void {
  const at = now();
  // Not from the middle of a character.
  const kept = text.slice(-keptAtEachEnd.bytes).replace(/^[\udc00-\udfff]/, '');
  if (kept.length < text.length) {
    leaveOut(text.slice(0, -kept.length));
    while (held.length > 0) leaveOut(held.shift()?.text ?? '');
    heldBytes = 0;
  }
  const last = held.at(-1);
  if (last !== undefined && last.level === ofLevel && last.text.length < pieceLength) last.text += kept;
  else held.push({ level: ofLevel, at, text: kept });
  heldBytes += kept.length;
  while (heldBytes > keptAtEachEnd.bytes && held.length > 1) {
    const oldest = held.shift()?.text ?? '';
    heldBytes -= oldest.length;
    leaveOut(oldest);
  }
  // A task that never lets go has no timers.
  if (at - flushedAt >= flushMs) sendHeld();
  else if (!isFlushDue) {
    isFlushDue = true;
    setTimeout(sendHeld, flushMs).unref();
  }
}

function leaveOut(text: string): void {
  cut.bytes += text.length;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) cut.lines += 1;
}

/** A line of our own among the task's. */
export function printLine(ofLevel: LogLevel, text: string): void {
  emit(ofLevel, `${text}\n`);
}

/** At the end: sends what was held back of an incomplete character, and of a flood. */
export function sendRest(): void {
  for (const [name, decoder] of decoders) {
    const rest = decoder.end();
    if (rest !== '') emit(name, rest);
  }
  sendHeld();
}

/** Sends what is held back, and how much was left out before it. */
function sendHeld(): void {
  isFlushDue = false;
  flushedAt = now();
  if (cut.bytes > 0) send({ type: 'cut', ...cut });
  cut.lines = cut.bytes = 0;
  for (const { level: ofLevel, at, text } of held) send({ type: 'lines', level: ofLevel, at, text });
  held = [];
  heldBytes = 0;
}

/** Makes `console.*` and writes to process.stdout and process.stderr go to the run's log, in the order of the calls. */
export function captureOutput(): void {
  globalThis.console = capturedConsole();
  captureStream('stdout');
  captureStream('stderr');
}

function capturedConsole(): Console {
  const sink = (defaultLevel: LogLevel): NodeJS.WritableStream =>
    ({ write: (text: string) => (emit(defaultLevel, text), true) }) as unknown as NodeJS.WritableStream;
  const captured = new console.Console({
    stdout: sink('log'),
    stderr: sink('error'),
    ignoreErrors: false,
    colorMode: false,
  });
  for (const name of ['debug', 'info', 'log', 'warn', 'error'] as const) {
    const write = captured[name].bind(captured);
    captured[name] = (...args: unknown[]): void => {
      const outer = level;
      level = name;
      try {
        write(...args);
      } finally {
        level = outer;
      }
    };
  }
  return captured;
}

// Node makes these streams when they are first used, which costs milliseconds; so they are changed only then.
function captureStream(name: 'stdout' | 'stderr'): void {
  const original = Object.getOwnPropertyDescriptor(process, name)?.get;
  let captured: (NodeJS.WriteStream & CapturedStream) | undefined;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      captured ??= redirect(original?.call(process) as NodeJS.WriteStream & CapturedStream, name);
      return captured;
    },
  });
}

interface CapturedStream {
  _write: (chunk: Buffer | string, encoding: BufferEncoding, done: () => void) => void;
  _writev?: unknown;
}

function redirect<Stream extends CapturedStream>(stream: Stream, name: 'stdout' | 'stderr'): Stream {
  const { StringDecoder } = process.getBuiltinModule('node:string_decoder');
  // A character of several bytes may come in two chunks.
  const decoder = new StringDecoder('utf8');
  decoders.set(name, decoder);
  stream._write = (chunk, encoding, done) => {
    const isText = typeof chunk === 'string' && /^utf-?8$/i.test(encoding);
    const text = isText
      ? decoder.end() + chunk
      : decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    if (text !== '') emit(name, text);
    done();
  };
  stream._writev = null;
  return stream;
}
