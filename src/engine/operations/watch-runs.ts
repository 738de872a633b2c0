import type { NumberedLine, RunState } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { readChanged, readLogLines, readRunState, type SeenRun } from '../store/read-runs.ts';

/** Tells what becomes of runs. All who watch at one time cost the database no more than one of them: they are asked for by one statement, and those of one run read together. */
export interface RunWatch {
  /** Resolves when the run is finished, or is not there; after `ms`; or when the signal aborts. */
  untilFinished(runId: string, patience: { readonly ms: number; readonly signal: AbortSignal }): Promise<void>;
  /** The same, or when it has log lines after the one numbered `seq`. */
  untilChanged(runId: string, seen: { readonly seq: number; readonly signal: AbortSignal }): Promise<void>;
  readState(environment: string, runId: string): Promise<RunState | null>;
  /** As `readLogLines` of the store. */
  readLines(runId: string, after: { readonly seq: number; readonly limit: number }): Promise<readonly NumberedLine[]>;
}

interface Watcher extends SeenRun {
  readonly tell: () => void;
}

const firstPauseMs = 20;
const maxPauseMs = 250;

/** Asks nothing while nobody waits, and more seldom the longer nothing happens: log lines send no notifications. */
export function watchRuns(db: Queryable): RunWatch {
  const watchers = new Set<Watcher>();
  const underWay = new Map<string, Promise<unknown>>();
  let pauseMs = firstPauseMs;
  let isLooking = false;
  let next: { readonly at: number; readonly timer: NodeJS.Timeout } | null = null;

  const look = async (): Promise<void> => {
    const groups = [...Map.groupBy(watchers, keyOf).values()];
    const places = await readChanged(
      db,
      groups.flatMap(([first]) => first ?? []),
    );
    for (const place of places) for (const { tell } of groups[place - 1] ?? []) tell();
  };
  const lookNow = async (): Promise<void> => {
    next = null;
    if (watchers.size === 0) return;
    isLooking = true;
    // While the database is away nothing has changed that could be told.
    await look().catch(() => undefined);
    isLooking = false;
    lookIn(pauseMs);
    pauseMs = Math.min(pauseMs * 1.3, maxPauseMs);
  };
  /** Unless there is a look before that. */
  const lookIn = (ms: number): void => {
    const at = performance.now() + ms;
    if (isLooking || (next !== null && next.at <= at)) return;
    clearTimeout(next?.timer);
    next = { at, timer: setTimeout(() => void lookNow(), ms) };
  };
  /** However many come, there are no more looks than one in 20 ms. */
  const lookSoon = (): void => {
    pauseMs = firstPauseMs;
    lookIn(next === null ? 0 : firstPauseMs);
  };
  const untilTold = async (seen: SeenRun, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<null>();
    const tell = (): void => resolve(null);
    const watcher = { ...seen, tell };
    signal.addEventListener('abort', tell);
    watchers.add(watcher);
    lookSoon();
    await promise;
    watchers.delete(watcher);
    signal.removeEventListener('abort', tell);
  };
  /** Those who read the same at one time get it of one statement. */
  const together = <Result>(what: string, read: () => Promise<Result>): Promise<Result> => {
    const reading = underWay.get(what) ?? read().finally(() => underWay.delete(what));
    underWay.set(what, reading);
    return reading as Promise<Result>;
  };
  return {
    async untilFinished(runId, { ms, signal }) {
      const over = new AbortController();
      const timer = setTimeout(() => over.abort(), ms);
      await untilTold({ runId, seq: null }, AbortSignal.any([signal, over.signal]));
      clearTimeout(timer);
    },
    untilChanged: (runId, { seq, signal }) => untilTold({ runId, seq }, signal),
    readState: (environment, runId) =>
      together(`state ${environment} ${runId}`, () => readRunState(db, environment, runId)),
    readLines: (runId, { seq, limit }) =>
      together(`lines ${runId} ${seq} ${limit}`, () => readLogLines(db, runId, { seq, limit })),
  };
}

function keyOf({ runId, seq }: SeenRun): string {
  return `${runId} ${seq ?? ''}`;
}
