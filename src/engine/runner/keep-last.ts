import { keptAtEachEnd } from '../protocol/limits.ts';
import type { StoredLine } from '../store/end-attempt.ts';

export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** Keeps the last lines of an output, as many as its end may have. */
export interface LastLines {
  /** @param isStored whether the line is stored by another, unless it is left out */
  add(line: StoredLine, isStored: boolean): void;
  finish(): {
    /** Those that nobody has stored. */
    readonly kept: readonly StoredLine[];
    /** How much was left out. */
    readonly lines: number;
    readonly bytes: number;
    /** Of those, the ones that were stored. */
    readonly leftOut: LineRange | null;
    /** The number of the last one; 0 when none was left out. */
    readonly until: number;
  };
}

/** Dropped entries are given back to the memory when there are so many. */
const slack = 1000;

export function keepLast(): LastLines {
  let entries: { readonly line: StoredLine; readonly isStored: boolean }[] = [];
  let first = 0;
  let keptBytes = 0;
  let lines = 0;
  let bytes = 0;
  let leftOut: LineRange | null = null;
  let until = 0;

  const drop = (): void => {
    const entry = entries[first];
    if (entry === undefined) return;
    const {
      line: { number, message },
      isStored,
    } = entry;
    first += 1;
    keptBytes -= message.length + 1;
    lines += 1;
    bytes += message.length + 1;
    until = number;
    if (isStored) leftOut = { from: leftOut?.from ?? number, to: number };
  };
  return {
    add(line, isStored) {
      entries.push({ line, isStored });
      keptBytes += line.message.length + 1;
      while (
        entries.length - first > keptAtEachEnd.lines ||
        (keptBytes > keptAtEachEnd.bytes && entries.length - first > 1)
      )
        drop();
      if (first < slack) return;
      entries = entries.slice(first);
      first = 0;
    },
    finish: () => ({
      kept: entries.slice(first).flatMap(({ line, isStored }) => (isStored ? [] : [line])),
      lines,
      bytes,
      leftOut,
      until,
    }),
  };
}
