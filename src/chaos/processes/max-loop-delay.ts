import { readFileSync } from 'node:fs';

/** The longest turn of any runner's event loop, in milliseconds of processor time; null where no runner has told one. It holds leases, limits and cancels. */
export function maxLoopDelay(clockFiles: readonly string[]): number | null {
  const turns = clockFiles.flatMap((file) => readTurns(`${file}.turns`));
  return turns.length === 0 ? null : Math.max(...turns);
}

function readTurns(file: string): readonly number[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').map(Number);
  } catch {
    return [];
  }
}
