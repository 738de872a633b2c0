import type { Socket } from 'node:net';
import { constants } from 'node:os';

/** How a process ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** @param status as of `waitpid` */
export function exitOf(status: number): WorkerExit {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: nameOfSignal(signal) };
}

export function nameOfSignal(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? 'SIGKILL') as NodeJS.Signals;
}

/** Resolves when a process has ended and all that it had written was read. */
export async function closeOf(exited: Promise<WorkerExit>, streams: readonly Socket[]): Promise<WorkerExit> {
  const closed = streams.map((stream) => {
    stream.on('error', () => undefined); // 'close' follows
    return new Promise<void>((resolve) => (stream.closed ? resolve() : stream.once('close', () => resolve())));
  });
  const [exit] = await Promise.all([exited, ...closed]);
  return exit;
}

/** Nobody may be reading, as of a worker that was still waiting; the ends come only to those who read. */
export function readToEnd(streams: Iterable<Socket>): void {
  for (const stream of streams) if (stream.readableFlowing !== true) stream.resume();
}
