import { setTimeout as delay } from 'node:timers/promises';
import { ProcessesGone } from '../../core/processes-gone.ts';

const firstPauseMs = 20;
const maxPauseMs = 2_000;

/** What is told of kills that fail, as when no file can be opened. */
export interface KillTrouble {
  /** A kill failed and will be tried again. */
  failed(error: unknown): void;
  /** What could not be killed is gone now. */
  over(): void;
}

/** Kills until that is known to have worked, however often it fails. @param kill resolves when all processes are gone */
export async function killForSure(kill: () => Promise<void>, trouble: KillTrouble): Promise<ProcessesGone> {
  for (let failures = 0; ; failures += 1) {
    try {
      await kill();
      if (failures > 0) trouble.over();
      return ProcessesGone.because('ended');
    } catch (error) {
      trouble.failed(error);
    }
    await delay(Math.min(firstPauseMs * 2 ** failures, maxPauseMs));
  }
}
