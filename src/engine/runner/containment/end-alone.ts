import { setTimeout as delay } from 'node:timers/promises';
import { send } from './end-owned.ts';
import { HiddenProcess, hasEnded, readStat } from './proc-files.ts';

/**
 * Ends a waiting worker that could not be contained, and resolves when it is gone: it has run no code of a task, so that it is alone.
 * @throws when it cannot be looked at, as when no file can be opened
 */
export async function endAlone(pid: number): Promise<void> {
  const startTicks = startOf(pid);
  while (!hasEnded(pid, startTicks)) {
    send(pid, 'SIGKILL');
    await delay(1);
  }
}

/** Null when it is gone already, or hides. */
function startOf(pid: number): number | null {
  try {
    return readStat(pid)?.startTicks ?? null;
  } catch (error) {
    if (error instanceof HiddenProcess) return null;
    throw error;
  }
}
