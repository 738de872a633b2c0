import { fitText } from './display-width.ts';
import type { Screen } from './terminal.ts';

export interface LiveLine {
  /** Writes whole lines above the live one. */
  above(text: string): void;
  /** Takes it away. */
  stop(): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;
const clear = '\r\u001b[K';

/** The last line of a terminal, written anew ten times a second; none while `describe` gives null. Where there is no terminal nothing is shown of it. */
export function showLiveLine(screen: Screen, describe: () => string | null): LiveLine {
  if (!screen.isTerminal) return { above: (text) => screen.write(text), stop: () => undefined };
  let frame = 0;
  let isStopped = false;
  const draw = (): void => {
    frame = (frame + 1) % frames.length;
    const text = describe();
    if (text === null) return;
    const line = fitText(text, (screen.width() ?? 80) - 3);
    screen.write(`${clear}${screen.colours.cyan(frames[frame] ?? '')} ${line}`);
  };
  const timer = setInterval(draw, frameMs);
  timer.unref();
  return {
    above: (text) => screen.write(isStopped ? text : clear + text),
    stop: () => {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      screen.write(clear);
    },
  };
}
