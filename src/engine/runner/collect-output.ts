import { StringDecoder } from 'node:string_decoder';
import { type Cut, type Masker, maskerOf } from '../core/mask.ts';
import type { LogLevel } from '../core/run.ts';
import { logLevels } from '../core/run-states.ts';
import { keptAtEachEnd, maxLineLength, maxLogBytes, maxLogLines } from '../protocol/limits.ts';
import type { StoredLine } from '../store/end-attempt.ts';
import { keepLast, type LineRange } from './keep-last.ts';
import { isInspectorNotice } from './sample-stack.ts';
import { counted } from '../core/counted.ts';

/** An attempt's output as lines, bounded: its beginning and its end are kept, and what lies between is counted. */
export interface OutputCollector {
  /** Text from `console.*`, or from process.stdout and process.stderr of the worker itself. */
  addText(level: LogLevel, at: number, text: string): void;
  /** Bytes from the worker's standard output or error: of native code and of its children. */
  addChunk(level: 'stdout' | 'stderr', chunk: Buffer): void;
  /** Output that the worker itself left out, between what it has sent and what it sends. */
  addCut(cut: { readonly lines: number; readonly bytes: number }): void;
  /** Adds a line of the runner's own. */
  note(text: string): void;
  /** Takes the whole lines that are to be stored before the end. */
  take(): StoredLine[];
  /** Takes everything else, unfinished lines too. */
  finish(): FinishedOutput;
  /** The end of what came through standard error: native crash text. */
  errorTail(): string;
}

export interface FinishedOutput {
  readonly lines: readonly StoredLine[];
  /** The numbers of lines that may have been stored before it was known that they lie between the beginning and the end. */
  readonly leftOut: LineRange | null;
}

const tailLength = 16_384;

const nothingMasked = maskerOf([]);

/** @param onLine is told of each line as it comes; those over the bounds are stored with the end, or left out @param masker for the values that no line may show */
export function collectOutput(onLine: (line: StoredLine) => void, masker: Masker = nothingMasked): OutputCollector {
  const partial = new Map<string, { text: string; at: number; level: LogLevel }>();
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let lines: StoredLine[] = [];
  let count = 0;
  let bytes = 0;
  let isBeginning = true;
  /** Until more has come than is kept, all of it is stored soon. */
  let isStoredSoon = true;
  const last = keepLast();
  /** Of what the worker left out. */
  const cut = { lines: 0, bytes: 0, number: 0 };
  /** Of lines that never end. */
  let cutFromLines = 0;
  let tail = '';
  /** Sources whose next line does not begin where their text does: the rest of a masked value may stand there. */
  const beheaded = new Set<string>();

  const keep = (level: LogLevel, at: number, text: string, cut: Cut = {}): void => {
    if (level === 'stderr' && isInspectorNotice(text)) return;
    const message =
      text.length > maxLineLength
        ? `${withoutHalf(masker.text(text.slice(0, 2 * maxLineLength), { ...cut, end: true, length: maxLineLength }))}… (${text.length} characters)`
        : masker.text(text, cut);
    count += 1;
    bytes += message.length + 1;
    const line = { number: count, at: new Date(at).toISOString(), level, message };
    isBeginning &&= count <= keptAtEachEnd.lines && bytes <= keptAtEachEnd.bytes;
    isStoredSoon &&= count <= maxLogLines && bytes <= maxLogBytes;
    if (!isBeginning) last.add(line, isStoredSoon);
    if (isStoredSoon) lines.push(line);
    onLine(line);
  };
  const add = (source: string, level: LogLevel, at: number, text: string): void => {
    const held = partial.get(source);
    const pieces = ((held?.text ?? '') + text).split('\n');
    const rest = pieces.pop() ?? '';
    if (pieces.length > 0) endLong(source);
    for (const piece of pieces)
      keep(level, at, piece.endsWith('\r') ? piece.slice(0, -1) : piece, { start: beheaded.delete(source) });
    if (rest === '') partial.delete(source);
    // A line that never ends is cut here, so that it cannot fill the runner's memory.
    else if (rest.length > maxLineLength * 2) {
      cutFromLines += rest.length - maxLineLength * 2;
      partial.set(source, { text: rest.slice(0, maxLineLength * 2), at: held?.at ?? at, level });
    } else partial.set(source, { text: rest, at: held?.at ?? at, level });
  };
  /** A line that is cut anyway does not wait for its end: those of other streams that come later stand behind it. */
  const endLong = (besides: string): void => {
    for (const [source, held] of partial) {
      if (source === besides || held.text.length < maxLineLength * 2) continue;
      keep(held.level, held.at, held.text, { start: beheaded.has(source), end: true });
      beheaded.add(source);
      partial.delete(source);
    }
  };
  const endPartial = (): void => {
    for (const [source, held] of partial)
      keep(held.level, held.at, held.text, { start: beheaded.delete(source), end: true });
    partial.clear();
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
    addCut(more) {
      endPartial();
      for (const level of logLevels) beheaded.add(`text ${level}`);
      cut.lines += more.lines;
      cut.bytes += more.bytes;
      isBeginning = isStoredSoon = false;
      // The number of the line that says so.
      if (cut.number === 0) cut.number = count += 1;
    },
    note: (text) => keep('system', Date.now(), text),
    take,
    finish() {
      for (const level of ['stdout', 'stderr'] as const) add(`pipe ${level}`, level, Date.now(), decoders[level].end());
      endPartial();
      const { kept, lines: leftLines, bytes: leftBytes, leftOut, until } = last.finish();
      const number = Math.max(until, cut.number) || count + 1;
      const gap = describeGap({ lines: leftLines + cut.lines, bytes: leftBytes + cut.bytes, fromLines: cutFromLines });
      const note: StoredLine[] =
        gap === null ? [] : [{ number, at: new Date().toISOString(), level: 'system', message: gap }];
      const soon = take().filter((line) => !isIn(leftOut, line.number));
      return { lines: [...soon, ...note, ...kept], leftOut };
    },
    errorTail: () => tail,
  };
}

/** A text that was cut in the middle of a character, without its half. */
function withoutHalf(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}

export function isIn(range: LineRange | null, number: number): boolean {
  return range !== null && number >= range.from && number <= range.to;
}

function describeGap({
  lines,
  bytes,
  fromLines,
}: {
  readonly lines: number;
  readonly bytes: number;
  readonly fromLines: number;
}): string | null {
  const fromLong = fromLines === 0 ? '' : `${fromLines} characters of lines that do not end were cut.`;
  if (bytes === 0) return fromLong === '' ? null : fromLong;
  const what = lines === 0 ? `${bytes} characters` : `${counted(lines, 'line')} (${bytes} characters)`;
  const kept = `an attempt keeps its first and its last ${keptAtEachEnd.lines} lines, and ${keptAtEachEnd.bytes} characters of each.`;
  return `${what} were cut and are left out here: ${kept}${fromLong === '' ? '' : ` ${fromLong}`}`;
}
