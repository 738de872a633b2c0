import { pruneIdempotencyKeys } from '../operations/answer-once.ts';
import { checkStoreByTheHour } from '../operations/check-store.ts';
import { pruneOldDeployments } from '../operations/prune-deployments.ts';
import { pruneRuns } from '../operations/prune-runs.ts';
import type { Store } from '../store/open-store.ts';
import type { OnEvent } from './events.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';
import type { MachineFolders } from './deployed/deployment-folders.ts';
import { sweepFolders } from './deployed/sweep-folders.ts';
import { sweepBundles } from './sweep-bundles.ts';

/** Each runner does it: that costs little when another has just done it. */
const everyMs = 300_000;
/** A runner that starts has more urgent things to do. */
const firstAfterMs = 10_000;

/** Prunes finished runs and old deployments that need not be kept any more, removes the files of the latter, and checks the store by the hour, until it is stopped. */
export function startPruning(store: Store, folders: MachineFolders, onEvent: OnEvent): IntervalLoop {
  const stopping = new AbortController();
  const works: readonly { readonly what: string; readonly work: () => Promise<unknown> }[] = [
    {
      what: 'finished runs could not be pruned',
      work: async () => tell('runs_pruned', await pruneRuns(store, stopping.signal)),
    },
    {
      what: 'old deployments could not be pruned',
      work: async () => tell('deployments_pruned', await pruneOldDeployments(store, stopping.signal)),
    },
    {
      what: 'old idempotency keys could not be pruned',
      work: () => pruneIdempotencyKeys(store, stopping.signal),
    },
    {
      what: 'what can be claimed could not be checked',
      work: async () => {
        const check = await checkStoreByTheHour(store, stopping.signal);
        if (check === null) return;
        onEvent({ kind: 'store_checked', wrong: check.wrong.length, tookMs: check.tookMs });
        if (check.wrong.length > 0) onEvent({ kind: 'store_mended', wrong: check.wrong });
      },
    },
    {
      what: 'the files of old bundles could not be removed',
      work: () => sweepBundles(store, folders.bundles),
    },
    {
      what: 'the folders of old deployments could not be removed',
      work: () => sweepFolders(store, folders),
    },
  ];
  const tell = (kind: 'runs_pruned' | 'deployments_pruned', count: number): void => {
    if (count > 0) onEvent({ kind, count });
  };
  let isFirst = true;
  const loop = startLoop({
    async turn() {
      if (isFirst) {
        isFirst = false;
        return firstAfterMs;
      }
      for (const { what, work } of works) {
        if (!stopping.signal.aborted) await work().catch((error: unknown) => onEvent({ kind: 'trouble', what, error }));
      }
      return everyMs;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'what need not be kept could not be pruned', error });
      return everyMs;
    },
  });
  const stop = (): Promise<void> => {
    stopping.abort();
    return loop.stop();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}
