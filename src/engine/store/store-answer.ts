import type { ErrorRecord } from '../core/errors.ts';
import type { AnswerOutcome } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

/** What an attempt has answered, while its processes may still live. */
export interface StoredAnswer {
  readonly runId: string;
  readonly fence: string;
  readonly outcome: AnswerOutcome;
  readonly resultJson: string | null;
  readonly error: ErrorRecord | null;
  /** Of the error. */
  readonly fingerprint: string | null;
}

/**
 * Stores the answer of an attempt that has not ended yet: its run goes on running, and ends by that answer whoever stores its end. Without effect when the attempt was superseded, has ended, or
 * has its answer stored already.
 * @returns whether it was stored now
 */
export async function storeAnswer(
  db: Queryable,
  { runId, fence, outcome, resultJson, error, fingerprint }: StoredAnswer,
): Promise<boolean> {
  const rows = await db.query({
    name: 'store_answer',
    text: `
      update cloudcode.runs set answer = $3, answered_at = now(), result = $4::json, error = $5::json, fingerprint = $6
      where id = $1 and fence = $2 and state = 'running' and answer is null
      returning id`,
    values: [runId, fence, outcome, resultJson, error === null ? null : JSON.stringify(error), fingerprint],
  });
  return rows.length > 0;
}

/** What the store knows of an attempt that holds its run. */
export interface KnownOfAttempt {
  readonly fence: string;
  readonly cancelRequested: boolean;
  readonly storedAnswer: AnswerOutcome | null;
}

/** Of these attempts, those that hold their runs. */
export function readKnownOfAttempts(
  db: Queryable,
  attempts: readonly { readonly runId: string; readonly fence: string }[],
): Promise<readonly KnownOfAttempt[]> {
  return db.query<KnownOfAttempt>({
    name: 'known_of_attempts',
    text: `
      select fence::text as fence, cancel_requested_at is not null as "cancelRequested", answer as "storedAnswer"
      from cloudcode.runs where id = any ($1::uuid[]) and fence = any ($2::bigint[]) and state = 'running'`,
    values: [attempts.map(({ runId }) => runId), attempts.map(({ fence }) => fence)],
  });
}
