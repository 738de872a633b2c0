import type { LiveLine } from './live-line.ts';
import { escapeText } from './escape-text.ts';
import { duration } from './relative-time.ts';
import type { Screen } from './terminal.ts';

/** Shorter work is not talked about. */
const quietMs = 1000;
/** On a terminal the live line says it all the time. */
const lineEveryMs = 5000;

export interface Steps extends Disposable {
  /** What is begun now. */
  at(step: string): void;
}

/** Says what long work is at: in the live line of a terminal, where `show` gets it, and else in lines of their own, a few seconds apart. */
export function followSteps(screen: Screen, { live, show }: { readonly live: LiveLine; readonly show: (text: string) => void }): Steps {
  const began = performance.now();
  let step = '';
  let told = '';
  const say = (): void => {
    if (step === '') return;
    if (screen.isTerminal) show(`${step}, ${duration(performance.now() - began)}`);
    else if (step !== told) live.above(`${step} …\n`);
    told = step;
  };
  let timer = setTimeout(function again() {
    say();
    timer = setTimeout(again, screen.isTerminal ? quietMs / 10 : lineEveryMs).unref();
  }, quietMs).unref();
  return {
    at: (next) => void (step = escapeText(next)),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
