import { PassThrough } from 'node:stream';
import { CloudCodeError } from '../core/errors.ts';
import type { BatchAnswer, BatchCall, Operation } from '../protocol/call-requests.ts';
import { isConflict } from '../store/store-error.ts';

/** How long an open transaction waits for the next part of its batch: a stopped worker must not keep rows locked. */
const partWaitMs = 5_000;

/** Carries out a batch, whose operations come part by part, in one transaction. */
export type WriteBatch = (id: string, parts: AsyncIterable<readonly Operation[]>) => Promise<BatchAnswer>;

interface OpenBatch {
  readonly parts: PassThrough;
  readonly written: Promise<BatchAnswer>;
  readonly idle: NodeJS.Timeout;
  next: number;
}

/** Puts the parts of batches together as a worker sends them. */
export interface BatchReceiver {
  /** @returns the answer of the whole batch for its last part, null for the others. */
  receive(part: BatchCall): Promise<BatchAnswer | null>;
  /** The worker is gone: what it began is rolled back. */
  close(): void;
}

export function receiveBatches(write: WriteBatch): BatchReceiver {
  const open = new Map<string, OpenBatch>();

  const begin = (id: string): OpenBatch => {
    interrupt(open.get(id));
    const parts = new PassThrough({ objectMode: true, highWaterMark: 1 });
    parts.on('error', () => undefined);
    const written = write(id, parts).catch((error: unknown) => {
      throw isConflict(error) && batch.next > 1 ? interrupted() : error;
    });
    const batch: OpenBatch = { parts, written, idle: setTimeout(() => interrupt(batch), partWaitMs), next: 0 };
    open.set(id, batch);
    const forget = (): void => {
      clearTimeout(batch.idle);
      parts.destroy();
      if (open.get(id) === batch) open.delete(id);
    };
    written.then(forget, forget);
    return batch;
  };
  return {
    async receive({ batch: id, part, last, operations }) {
      const batch = part === 0 ? begin(id) : open.get(id);
      if (batch?.next !== part) throw interrupted();
      batch.next += 1;
      batch.idle.refresh();
      if (last) {
        batch.parts.end(operations);
        return batch.written;
      }
      // Taken over, or why it will never be.
      await Promise.race([new Promise((resolve) => batch.parts.write(operations, resolve)), batch.written]);
      return null;
    },
    close: () => open.forEach(interrupt),
  };
}

function interrupt(batch: OpenBatch | undefined): void {
  batch?.parts.destroy(interrupted());
}

function interrupted(): CloudCodeError {
  return new CloudCodeError(
    'batch_interrupted',
    'The batch was interrupted, by a part that did not come in time or by another transaction; nothing of it was done.',
    { hint: 'Call execute() again.' },
  );
}
