import { setTimeout as sleep } from 'node:timers/promises';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { Session } from '../../engine/store/open-session.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import { sqlState } from '../../engine/store/store-error.ts';
import { indexRefusal } from '../statements/refusals.ts';
import type { Addition } from './outdated-attempts.ts';
import { watchBlockers } from './watch-blockers.ts';

/** One statement: a transaction of its own. */
export interface Step {
  /** For people: `adding table asset`. */
  readonly what: string;
  readonly sql: string;
  /**
   * `briefly`: readers and writers queue behind its wait for a lock, so it must give up soon and try again.
   * `patiently`: nobody waits for it.
   */
  readonly waits: 'briefly' | 'patiently';
  /** What is there from then on. */
  readonly adds?: Addition;
  /** What removes the rest of it when it fails halfway. */
  readonly undo?: string;
  /** Counts the values that are there already and no task can read, as `count`; and whose. */
  readonly unreadable?: readonly { readonly of: string; readonly countSql: string }[];
}

export interface StepContext {
  /** Carries out the steps. */
  readonly session: Session;
  /** Looks on meanwhile. */
  readonly observer: Queryable;
  readonly patience: Patience;
  readonly onProgress: (step: string) => void;
}

export interface Patience {
  /** For a lock that others queue behind: for so long they may stand still. */
  readonly briefMs: number;
  /** For such a lock, with the pauses between the tries. */
  readonly triesMs: number;
  /** For anything that nobody queues behind. */
  readonly longMs: number;
}

const firstPauseMs = 250;
const maxPauseMs = 4_000;
const checkViolation = '23514';
/** The lock did not come in time; two waited for each other. */
const notGranted = new Set(['55P03', '40P01']);

/**
 * Carries out one step.
 * @throws CloudCodeError `deploy_blocked` naming who was in the way, `data_model_conflict` when a stored value does not fit into an index,
 *   `deploy_failed` for any other refusal of the database
 */
export async function applyStep(context: StepContext, step: Step): Promise<void> {
  context.onProgress(step.what);
  const watch = watchBlockers(context.observer, context.session.backendPid, (who) =>
    context.onProgress(`${step.what}: waiting for ${who}`),
  );
  try {
    await (step.waits === 'briefly' ? tryBriefly(context, step) : run(context, step.sql, context.patience.longMs));
  } catch (error) {
    const blocker = await watch.stop();
    await undo(context, step);
    throw explain(error, step, blocker);
  } finally {
    await watch.stop();
  }
}

async function tryBriefly({ session, patience, ...context }: StepContext, step: Step): Promise<void> {
  const end = performance.now() + patience.triesMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    try {
      return await run({ session, patience, ...context }, step.sql, patience.briefMs);
    } catch (error) {
      if (!notGranted.has(sqlState(error) ?? '') || performance.now() + pauseMs > end) throw error;
    }
    await sleep(pauseMs);
  }
}

async function run({ session }: StepContext, sql: string, lockTimeoutMs: number): Promise<void> {
  await session.query({
    name: 'lock_timeout',
    text: "select set_config('lock_timeout', $1, false)",
    values: [`${lockTimeoutMs}ms`],
  });
  await session.query({ name: '', text: sql });
}

async function undo(context: StepContext, step: Step): Promise<void> {
  if (step.undo === undefined) return;
  // What stays for whatever reason, the next deployment removes.
  await run(context, step.undo, context.patience.briefMs).catch(() => undefined);
}

function explain(error: unknown, { what }: Step, blocker: string | null): unknown {
  const state = sqlState(error);
  if (state === null || !(error instanceof Error)) return error;
  const goesOn = 'deploy again: it goes on where it stopped';
  if (notGranted.has(state)) {
    return new CloudCodeError(
      'deploy_blocked',
      `Data model: ${what} had to wait too long for ${blocker ?? 'another transaction'}.`,
      {
        hint: `Wait for it or end it (\`select pg_terminate_backend(<pid>)\`), then ${goesOn}.`,
        cause: error,
      },
    );
  }
  const refusal = indexRefusal(error);
  if (refusal !== null) {
    return new CloudCodeError('data_model_conflict', `Data model: ${what} failed: ${refusal}`, {
      hint: 'Shorten the values or take the field out of the index, then deploy again.',
      cause: error,
    });
  }
  if (state === checkViolation) {
    return new CloudCodeError(
      'data_model_conflict',
      `Data model: ${what} failed: a value that does not fit was stored meanwhile.`,
      { hint: 'Deploy again: the error then says how many there are, and what to do.', cause: error },
    );
  }
  return new CloudCodeError('deploy_failed', `Data model: ${what} failed: ${error.message}.`, {
    hint: `Fix that, then ${goesOn}.`,
    cause: error,
  });
}
