import type { AnswerMessage } from '../protocol/from-worker.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import { errorFingerprint } from '../operations/error-fingerprint.ts';
import { storeAnswer } from '../store/store-answer.ts';
import type { AttemptContext } from './attempt-context.ts';

/** How long the processes of an attempt that has answered may take to go until its answer is stored for itself: most are gone by then, and it is stored with the end, by one statement. */
const afterMs = { inOrder: 20, atOnce: 100 };
/** After a failed write. */
const retryMs = 250;

/**
 * Stores an answer while the processes of its attempt are ending, so that it stands whatever happens until these are gone and its end can be stored.
 * @returns stops it: they are gone
 */
export function storeAnswerMeanwhile(
  run: ClaimedRun,
  { outcome, resultJson, error, endsInOrder }: AnswerMessage,
  { store, onEvent }: Pick<AttemptContext, 'store' | 'onEvent'>,
): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout;
  const writeIn = (ms: number): void => {
    if (!isOver) timer = setTimeout(() => void write(), ms);
  };
  const write = async (): Promise<void> => {
    try {
      const fingerprint = outcome === 'threw' ? errorFingerprint({ task: run.task, outcome, error }) : null;
      await storeAnswer(store, { runId: run.id, fence: run.fence, outcome, resultJson, error, fingerprint });
    } catch (cause) {
      onEvent({ kind: 'trouble', what: `the answer of run ${run.id} could not be stored yet`, error: cause });
      writeIn(retryMs);
    }
  };
  writeIn(endsInOrder ? afterMs.inOrder : afterMs.atOnce);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
