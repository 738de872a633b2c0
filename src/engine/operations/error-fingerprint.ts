import { createHash } from 'node:crypto';
import type { ErrorRecord } from '../core/errors.ts';
import type { Outcome } from '../core/run.ts';

export interface FailedAttempt {
  readonly task: string;
  readonly outcome: Outcome;
  readonly error: ErrorRecord | null;
}

/** Of a message, so much counts. */
const maxMessage = 2_000;
const ids = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{12,}\b/gi;
const numbers = /\d+(?:[.,:]\d+)*/g;
const frame = /^\s*at (?:(?:async )?(?<name>.*?) \()?(?:file:\/\/)?(?<file>[^()]+?):\d+:\d+\)?$/;

/** The same for errors that are one and the same mistake: of a task, of one kind, with one message but for its numbers and ids, from one function of its own. 16 hexadecimal digits. */
export function errorFingerprint({ task, outcome, error }: FailedAttempt): string {
  const message = (error?.message ?? '').slice(0, maxMessage).replace(ids, '#').replace(numbers, '#');
  const parts = [task, outcome, error?.name ?? '', message, topOwnFrame(error?.stack ?? '')];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Where in the project's own code it was thrown: the function and the end of the file's path, which is the same on every machine. Lines move with every change. */
function topOwnFrame(stack: string): string {
  for (const line of stack.split('\n')) {
    const { name = '', file } = frame.exec(line)?.groups ?? {};
    if (file === undefined || file.startsWith('node:') || /[\\/]node_modules[\\/]/.test(file)) continue;
    return `${name} ${file.split(/[\\/]/).slice(-3).join('/')}`;
  }
  return '';
}
