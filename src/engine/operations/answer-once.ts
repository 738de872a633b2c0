import { createHash } from 'node:crypto';
import { CloudCodeError } from '../core/errors.ts';
import { deleteOldKeys, keepAnswer, type KeptAnswer, readKeptAnswer, takeKey } from '../store/idempotency.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { retryWhileAway } from '../store/retry.ts';
import { inSlices } from './in-slices.ts';

/** How long a call from outside waits for a database that is away, and asks it what became of a call whose answer was lost. */
const patienceMs = 2_000;

/** What is asked for, by whom it may be asked again. */
export interface OnceRequest {
  readonly environment: string;
  readonly operation: string;
  readonly key: string;
  readonly body: unknown;
}

export interface Done {
  readonly answer: KeptAnswer;
  /** Called when that is committed, by the call that did it. */
  readonly onCommitted: () => void;
}

/**
 * Does something in one transaction with the answer that it keeps, so that whoever asks again with the same key within 24 hours gets that answer and nothing is done twice. Who asks while the first
 * is under way waits for its end. A refusal is not kept: asking again tries again.
 * @throws CloudCodeError `idempotency_key_reused`, and those of `work`
 */
export async function answerOnce(
  store: Store,
  { body, ...request }: OnceRequest,
  work: (db: Queryable) => Promise<Done>,
): Promise<KeptAnswer> {
  const keyed = { ...request, asked: createHash('sha256').update(JSON.stringify(body)).digest() };
  const { answer, onCommitted } = await retryWhileAway(
    () =>
      store.transaction(async (db): Promise<Done> => {
        const kept = (await takeKey(db, keyed)) ? null : await readKeptAnswer(db, keyed);
        if (kept !== null) return { answer: answerOf(kept, keyed.key), onCommitted: () => undefined };
        const done = await work(db);
        await keepAnswer(db, keyed, done.answer);
        return done;
      }),
    { ms: patienceMs },
  );
  onCommitted();
  return answer;
}

function answerOf({ isSame, ...answer }: KeptAnswer & { readonly isSame: boolean }, key: string): KeptAnswer {
  if (isSame) return answer;
  throw new CloudCodeError(
    'idempotency_key_reused',
    `The Idempotency-Key ${JSON.stringify(key)} came with another body before.`,
    { hint: 'Use a new key for each thing that is to be made.' },
  );
}

/** Prunes the keys that do not count any more. */
export async function pruneIdempotencyKeys(store: Store, stopping: AbortSignal): Promise<void> {
  await inSlices(async (rows) => (await deleteOldKeys(store, rows)) === rows, {
    first: 1_000,
    largest: 10_000,
    stopping,
  });
}
