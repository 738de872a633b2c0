import type { Terminal } from './terminal/terminal.ts';

export interface Interrupts extends Disposable {
  /** Aborts with the first signal, whose name is its reason. */
  readonly signal: AbortSignal;
}

const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
type Interrupting = keyof typeof numbers;

/**
 * Turns the first Ctrl-C (or SIGTERM, SIGHUP) into an abort, so that the command ends in order. The second ends the process at once: what it
 * leaves, its guard and the next start clean up. Where an older Node has launched this one (bin/newer-node.cjs), it passes on how many it has
 * had: one that was sent to both counts once.
 */
export function catchInterrupts(terminal: Terminal): Interrupts {
  const controller = new AbortController();
  const times = { own: 0, launchers: 0 };
  const caught = (name: Interrupting, _number: number, launchers?: number): void => {
    if (launchers === undefined) times.own += 1;
    else times.launchers = launchers;
    controller.abort(name);
    if (Math.max(times.own, times.launchers) < 2) return;
    terminal.tell('Ending at once.');
    process.exit(interruptStatus(name));
  };
  const names = Object.keys(numbers) as Interrupting[];
  for (const name of names) process.on(name, caught);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, caught);
    },
  };
}

/** What a shell reports of a program that a signal ended. */
export function interruptStatus(name: unknown): number {
  return 128 + (name === 'SIGTERM' ? numbers.SIGTERM : name === 'SIGHUP' ? numbers.SIGHUP : numbers.SIGINT);
}
