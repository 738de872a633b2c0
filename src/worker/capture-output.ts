import type { StringDecoder } from 'node:string_decoder';
import type { LogLevel } from '../core/run.ts';
import { maxLogBytes } from '../protocol/limits.ts';
import { send } from './channel.ts';

// Taken before the task runs, which may stop the time for its own code.
const { now } = Date;

const decoders = new Map<'stdout' | 'stderr', StringDecoder>();
let sentBytes = 0;
let cutBytes = 0;
let level: LogLevel | null = null;

function emit(defaultLevel: LogLevel, text: string): void {
  // The runner keeps no more than this either; not sending it spares both of them the work.
  if (sentBytes > maxLogBytes) {
    cutBytes += text.length;
    return;
  }
  sentBytes += text.length;
  const kept = text.length > maxLogBytes ? text.slice(0, maxLogBytes) : text;
  cutBytes += text.length - kept.length;
  send({ type: 'lines', level: level ?? defaultLevel, at: now(), text: kept });
}

/** Sends what was held back of a character that did not come whole, and tells the runner how much was not sent. */
export function sendCut(): void {
  for (const [name, decoder] of decoders) {
    const rest = decoder.end();
    if (rest !== '') emit(name, rest);
  }
  if (cutBytes > 0) send({ type: 'cut', bytes: cutBytes });
  cutBytes = 0;
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
  const captured = new console.Console({ stdout: sink('log'), stderr: sink('error'), ignoreErrors: false, colorMode: false });
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
    const text = isText ? decoder.end() + chunk : decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    if (text !== '') emit(name, text);
    done();
  };
  stream._writev = null;
  return stream;
}
