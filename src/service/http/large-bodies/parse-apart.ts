import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CloudCodeError, type ErrorCode } from '../../../engine/core/errors.ts';
import type { ScheduleRequest } from '../../../engine/core/schedule-request.ts';
import { packageRoot } from '../../../package-root.ts';

export interface ToParse {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export type Parsed = { readonly number: number } & (
  | { readonly request: ScheduleRequest }
  | { readonly refused: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }
  | { readonly failed: string }
);

export interface ScheduleParser {
  /** Reads and checks the body of `POST …/runs`. @throws CloudCodeError of parseBody, parseScheduleBody and parseScheduleRequest */
  parse(bytes: Uint8Array): Promise<ScheduleRequest>;
  close(): Promise<void>;
}

const program = join(packageRoot, 'dist/large-bodies.js');
/** A thread that nobody has needed for so long is ended. */
const idleMs = 10_000;

interface Waiting {
  readonly resolve: (request: ScheduleRequest) => void;
  readonly reject: (error: Error) => void;
}

/** Parses bodies in a thread of its own, which is started when it is needed: 5 MB of small values take a second to parse, check and write. */
export function openScheduleParser(): ScheduleParser {
  const waiting = new Map<number, Waiting>();
  let count = 0;
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;

  const end = async (): Promise<void> => {
    const ending = thread;
    thread = null;
    clearTimeout(idle);
    await ending?.terminate();
  };
  const settle = (parsed: Parsed): void => {
    const { resolve, reject } = waiting.get(parsed.number) ?? {};
    waiting.delete(parsed.number);
    if (waiting.size === 0) idle = setTimeout(() => void end(), idleMs).unref();
    if ('request' in parsed) resolve?.(parsed.request);
    else if ('refused' in parsed)
      reject?.(new CloudCodeError(parsed.refused.code, parsed.refused.message, { hint: parsed.refused.hint }));
    else reject?.(new Error(parsed.failed));
  };
  const start = (): Worker => {
    const started = new Worker(program, { execArgv: [] });
    started.on('message', settle);
    // Its heap is not enough: nobody can say for which of them.
    started.on('error', (error: Error) => {
      if (thread === started) thread = null;
      const refusal = new CloudCodeError(
        'invalid_parameters',
        'The body takes more memory than there is for reading it.',
        { hint: 'Pass a flatter or smaller object.', cause: error },
      );
      for (const { reject } of waiting.values()) reject(refusal);
      waiting.clear();
    });
    started.unref();
    return started;
  };
  return {
    parse: (bytes) =>
      new Promise((resolve, reject) => {
        clearTimeout(idle);
        thread ??= start();
        count += 1;
        waiting.set(count, { resolve, reject });
        thread.postMessage({ number: count, bytes } satisfies ToParse);
      }),
    close: end,
  };
}
