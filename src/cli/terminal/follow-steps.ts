import type { LiveLine } from './live-line.ts';
import { escapeText } from './escape-text.ts';
import { duration } from './relative-time.ts';
import type { Screen } from './terminal.ts';

/** Shorter work is not talked about. */
const quietMs = 1000;
/** Without a live line, so often at most. */
const lineEveryMs = 5000;
const liveEveryMs = 100;

export interface Steps extends Disposable {
  /** What is begun now; null: the work is done. */
  at(step: string | null): void;
}

/** Says what work that takes more than a second is at: in the live line of a terminal, to which `show` is given, and else in lines of their own. */
export function followSteps(
  screen: Pick<Screen, 'isTerminal'>,
  { live, show }: { readonly live: Pick<LiveLine, 'above'>; readonly show: ((text: string | null) => void) | null },
): Steps {
  const isLive = screen.isTerminal && show !== null;
  let step: string | null = null;
  let told = '';
  let began = 0;
  let timer: NodeJS.Timeout | undefined;
  const say = (): void => {
    if (step === null) return;
    if (isLive) show(`${step}, ${duration(performance.now() - began)}`);
    else if (step !== told) live.above(`${step} …\n`);
    told = step;
    timer = setTimeout(say, isLive ? liveEveryMs : lineEveryMs).unref();
  };
  const at = (next: string | null): void => {
    if (next === null) {
      clearTimeout(timer);
      if (isLive && step !== null) show(null);
      told = '';
    } else if (step === null) {
      began = performance.now();
      timer = setTimeout(say, quietMs).unref();
    }
    step = next === null ? null : escapeText(next);
  };
  return { at, [Symbol.dispose]: () => at(null) };
}
