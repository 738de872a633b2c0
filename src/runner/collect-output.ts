import { StringDecoder } from 'node:string_decoder';
import type { LogLevel } from '../core/run.ts';
import { maxLineLength, maxLogBytes, maxLogLines } from '../protocol/limits.ts';
import type { StoredLine } from '../store/end-attempt.ts';
import { isInspectorNotice } from './sample-stack.ts';

/** An attempt's output as lines, bounded; what is over the bounds is counted. */
export interface OutputCollector {
  /** Text from `console.*`, or from process.stdout and process.stderr of the worker itself. */
  addText(level: LogLevel, at: number, text: string): void;
  /** Bytes from the worker's standard output or error: of native code and of its children. */
  addChunk(level: 'stdout' | 'stderr', chunk: Buffer): void;
  /** Output that the worker itself held back. */
  addCut(bytes: number): void;
  /** Adds a line of the runner's own. */
  note(text: string): void;
  /** Takes the whole lines collected so far. */
  take(): StoredLine[];
  /** Takes everything, unfinished lines too, and a last line that says what was cut. */
  finish(): StoredLine[];
  /** The end of what came through standard error: native crash text. */
  errorTail(): string;
}

const tailLength = 16_384;

export function collectOutput(onLines: () => void): OutputCollector {
  const partial = new Map<string, { text: string; at: number; level: LogLevel }>();
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let lines: StoredLine[] = [];
  let keptLines = 0;
  let keptBytes = 0;
  let cutLines = 0;
  let cutBytes = 0;
  let tail = '';

  const keep = (level: LogLevel, at: number, text: string): void => {
    if (level === 'stderr' && isInspectorNotice(text)) return;
    if (keptLines >= maxLogLines || keptBytes >= maxLogBytes) {
      cutLines += 1;
      cutBytes += text.length + 1;
      return;
    }
    const message = text.length > maxLineLength ? `${cutText(text, maxLineLength)}… (${text.length} characters)` : text;
    keptLines += 1;
    keptBytes += message.length + 1;
    lines.push({ number: keptLines, at: new Date(at).toISOString(), level, message });
    onLines();
  };
  const add = (source: string, level: LogLevel, at: number, text: string): void => {
    const held = partial.get(source);
    const pieces = ((held?.text ?? '') + text).split('\n');
    const last = pieces.pop() ?? '';
    for (const piece of pieces) keep(level, at, piece.endsWith('\r') ? piece.slice(0, -1) : piece);
    if (last === '') partial.delete(source);
    // A line that never ends is cut here, so that it cannot fill the runner's memory.
    else if (last.length > maxLineLength * 2) {
      cutBytes += last.length - maxLineLength * 2;
      partial.set(source, { text: last.slice(0, maxLineLength * 2), at: held?.at ?? at, level });
    } else partial.set(source, { text: last, at: held?.at ?? at, level });
  };
  const take = (): StoredLine[] => {
    const taken = lines;
    lines = [];
    return taken;
  };
  return {
    addText: (level, at, text) => add(`text ${level}`, level, at, text),
    addChunk(level, chunk) {
      const text = decoders[level].write(chunk);
      if (level === 'stderr') tail = (tail + text).slice(-tailLength);
      add(`pipe ${level}`, level, Date.now(), text);
    },
    addCut: (bytes) => void (cutBytes += bytes),
    note: (text) => keep('system', Date.now(), text),
    take,
    finish() {
      for (const level of ['stdout', 'stderr'] as const) add(`pipe ${level}`, level, Date.now(), decoders[level].end());
      for (const held of partial.values()) keep(held.level, held.at, held.text);
      partial.clear();
      if (cutBytes > 0) {
        const what = cutLines > 0 ? `${cutBytes} characters of output, ${cutLines} lines at least,` : `${cutBytes} characters of output`;
        lines.push({
          number: keptLines + 1,
          at: new Date().toISOString(),
          level: 'system',
          message: `${what} were cut: an attempt keeps ${maxLogLines} lines and ${maxLogBytes} characters.`,
        });
      }
      return take();
    },
    errorTail: () => tail,
  };
}

/** Never in the middle of a character. */
function cutText(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}
