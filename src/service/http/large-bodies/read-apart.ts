import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CloudCodeError, type ErrorCode } from '../../../engine/core/errors.ts';
import { packageRoot } from '../../../package-root.ts';
import type { Operation } from '../../api/operation.ts';

export interface ToRead {
  readonly number: number;
  /** Its name. */
  readonly operation: string;
  readonly bytes: Uint8Array;
}

export type BodyRead = { readonly number: number } & (
  | { readonly read: object }
  | { readonly refused: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } }
  | { readonly failed: string }
);

export interface BodyReader {
  /** Reads and checks the body of a request for an operation. @throws CloudCodeError of parseBody and readBody */
  read(operation: Operation, bytes: Uint8Array): Promise<object>;
  close(): Promise<void>;
}

const program = join(packageRoot, 'dist/large-bodies.js');
/** A thread that nobody has needed for so long is ended. */
const idleMs = 10_000;

interface Waiting {
  readonly resolve: (read: object) => void;
  readonly reject: (error: Error) => void;
}

/** Reads bodies in a thread of its own, which is started when it is needed: 5 MB of small values take a second to parse, check and write. */
export function openBodyReader(): BodyReader {
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
  const settle = (body: BodyRead): void => {
    const { resolve, reject } = waiting.get(body.number) ?? {};
    waiting.delete(body.number);
    if (waiting.size === 0) idle = setTimeout(() => void end(), idleMs).unref();
    if ('read' in body) resolve?.(body.read);
    else if ('refused' in body)
      reject?.(new CloudCodeError(body.refused.code, body.refused.message, { hint: body.refused.hint }));
    else reject?.(new Error(body.failed));
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
    read: (operation, bytes) =>
      new Promise((resolve, reject) => {
        clearTimeout(idle);
        thread ??= start();
        count += 1;
        waiting.set(count, { resolve, reject });
        thread.postMessage({ number: count, operation: operation.name, bytes } satisfies ToRead);
      }),
    close: end,
  };
}
