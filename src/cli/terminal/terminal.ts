import { styleText } from 'node:util';

/** One of the two standard streams, and what can be shown on it. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Columns; null when it is no terminal. */
  readonly width: () => number | null;
  readonly colours: Colours;
  write(text: string): void;
}

export interface Terminal {
  readonly json: boolean;
  /** Standard output: what was asked for. */
  readonly out: Screen;
  /** Standard error: messages, progress, a task's console. */
  readonly err: Screen;
  /** Aborts when nobody reads standard output any more (`| head`). */
  readonly closed: AbortSignal;
  /** A line of the answer for people. */
  print(line: string): void;
  /** The answer with --json. */
  printJson(value: unknown): void;
  /** A message for people. */
  tell(line: string): void;
  /** Resolves when all of it has left this process. */
  flush(): Promise<void>;
}

export function openTerminal(json: boolean): Terminal {
  const closed = new AbortController();
  const out = openScreen(process.stdout, () => closed.abort());
  const err = openScreen(process.stderr, () => undefined);
  return {
    json,
    out,
    err,
    closed: closed.signal,
    print: (line) => out.write(`${line}\n`),
    printJson: (value) => out.write(`${JSON.stringify(value, null, 2)}\n`),
    tell: (line) => err.write(`${line}\n`),
    flush: async () => {
      await Promise.all([drained(process.stdout), drained(process.stderr)]);
    },
  };
}

function openScreen(stream: NodeJS.WriteStream, onClosed: () => void): Screen {
  let isOpen = true;
  stream.on('error', () => {
    // EPIPE: the reader has gone. What is still written goes nowhere, which is no fault of the command.
    isOpen = false;
    onClosed();
  });
  // Undefined on a pipe, whatever its type says.
  const isTerminal = (stream as { readonly isTTY?: boolean }).isTTY === true;
  const wantsColour = isTerminal && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
  return {
    isTerminal,
    width: () => (isTerminal ? stream.columns || 80 : null),
    colours: coloursFor(wantsColour),
    write: (text) => {
      if (isOpen) stream.write(text);
    },
  };
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}

export interface Colours {
  readonly cyan: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
}

type Paint = (text: string) => string;

/** @param isWanted without it, texts stay as they are */
function coloursFor(isWanted: boolean): Colours {
  const paint = (name: keyof Colours): Paint => {
    return isWanted ? (text) => styleText(name, text, { validateStream: false }) : (text) => text;
  };
  return { cyan: paint('cyan'), dim: paint('dim'), green: paint('green'), red: paint('red'), yellow: paint('yellow') };
}
