import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { WitnessLine } from '../judge/history.ts';

/** The file that all tasks append to (templates/campaign/cloudcode/_witness.ts), read as it grows. */
export interface WitnessFile {
  /** All lines so far. */
  readonly lines: () => readonly WitnessLine[];
  /** The processes of attempts that have begun and not said that they end. They may have died. */
  readonly working: () => ReadonlySet<number>;
  /** The processes of attempts that have answered and still linger, as far as they have said. They may have died. */
  readonly lingering: () => ReadonlySet<number>;
}

const pieceBytes = 1 << 20;

export function openWitnessFile(path: string): WitnessFile {
  const lines: WitnessLine[] = [];
  const working = new Set<number>();
  const lingering = new Set<number>();
  let offset = 0;
  let rest = '';

  const take = (text: string): void => {
    const complete = (rest + text).split('\n');
    rest = complete.pop() ?? '';
    for (const each of complete) {
      const line = JSON.parse(each) as WitnessLine;
      lines.push(line);
      if (line.kind === 'answered') lingering.add(line.pid);
      if (line.kind === 'began' || line.kind === 'overlap') {
        working.add(line.pid);
        // The same id again is another process.
        lingering.delete(line.pid);
      }
      if (line.kind === 'ended') working.delete(line.pid);
    }
  };
  const readOn = (): void => {
    if (!existsSync(path)) return;
    const file = openSync(path, 'r');
    const buffer = Buffer.alloc(pieceBytes);
    for (
      let length = readSync(file, buffer, 0, pieceBytes, offset);
      length > 0;
      length = readSync(file, buffer, 0, pieceBytes, offset)
    ) {
      offset += length;
      take(buffer.toString('latin1', 0, length));
    }
    closeSync(file);
  };
  return {
    lines() {
      readOn();
      return lines;
    },
    working() {
      readOn();
      return working;
    },
    lingering() {
      readOn();
      return lingering;
    },
  };
}
