import type { LogLine } from '../engine/core/run.ts';
import { escapeConsoleLine } from './terminal/escape-text.ts';
import type { Screen } from './terminal/terminal.ts';

/** Makes the lines of a run's console for people: a heading where another attempt begins, then the message, warnings and errors marked; with its time in front where that is wanted. */
export function lineDescriber(
  screen: Screen,
  { withTimes }: { readonly withTimes: boolean },
): (line: LogLine) => string {
  let attempt = 1;
  return (line) => {
    const heading = line.attempt === attempt ? '' : `${screen.colours.dim(`attempt ${line.attempt}`)}\n`;
    attempt = line.attempt;
    return `${heading}${withTimes ? `${screen.colours.dim(line.at)} ` : ''}${describeLine(line, screen)}\n`;
  };
}

export function describeLine(line: LogLine, { colours, isTerminal }: Screen): string {
  const message = isTerminal ? escapeConsoleLine(line.message) : line.message;
  switch (line.level) {
    case 'warn':
      return `${colours.yellow('warn')} ${message}`;
    case 'error':
      return `${colours.red('error')} ${message}`;
    case 'system':
      return colours.dim(message);
    case 'debug':
      return colours.dim(message);
    case 'info':
    case 'log':
    case 'stdout':
    case 'stderr':
      return message;
  }
}
