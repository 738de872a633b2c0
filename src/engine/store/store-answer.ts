import type { ErrorRecord } from '../core/errors.ts';
import type { AnswerOutcome } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

/** What an attempt has answered, while its processes may still live. */
export interface StoredAnswer {
  readonly runId: string;
  readonly fence: string;
  readonly number: number;
  readonly outcome: AnswerOutcome;
  readonly resultJson: string | null;
  readonly error: ErrorRecord | null;
}

/**
 * Stores the answer of an attempt that has not ended yet: its run goes on running, and ends by that answer whoever stores its end. Without effect when the attempt was superseded, has ended, or
 * has its answer stored already.
 * @returns whether it was stored now
 */
export async function storeAnswer(
  db: Queryable,
  { runId, fence, number, outcome, resultJson, error }: StoredAnswer,
): Promise<boolean> {
  const rows = await db.query({
    name: 'store_answer',
    text: `
      with answered as (
        update cloudcode.runs set answer = $4, result = $5::json, error = $6::json
        where id = $1 and fence = $2 and runner_id is not null and answer is null
        returning id
      )
      update cloudcode.attempts a set answered_at = now() from answered where a.run_id = answered.id and a.number = $3 returning a.number`,
    values: [runId, fence, number, outcome, resultJson, error === null ? null : JSON.stringify(error)],
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
      from cloudcode.runs where id = any ($1::uuid[]) and fence = any ($2::bigint[]) and runner_id is not null`,
    values: [attempts.map(({ runId }) => runId), attempts.map(({ fence }) => fence)],
  });
}
