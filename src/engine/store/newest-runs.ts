import { isFinal, type RunState } from '../core/run.ts';
import { type Asked, ask, type RunFilter } from './run-filter.ts';
import * as sources from './sources-of-runs.ts';

/** Whether the finished runs of a filter are looked for in `listed`. All others are found by their task, or among those that are unfinished. */
export function needsLists({ state, queue, key, scheduledBy, deployment, fingerprint }: RunFilter): boolean {
  const by = [state, queue, key, scheduledBy, deployment, fingerprint];
  return (state === null || isFinal(state)) && by.some((each) => each !== null);
}

/** Common table expressions of which the last, `newest (id, seq)`, has so many of the newest runs of a filter, and their values. They are planned for the values: which index has the fewest depends on them. */
export function newestRuns(
  environmentId: number,
  filter: RunFilter,
  limit: number,
): { readonly text: string; readonly values: readonly unknown[] } {
  const asked = ask(environmentId, filter, limit);
  const text = `
      with recursive ${sources.bounds(asked)}${sources.fewWaiting(asked)}newest as (
        select id, seq from (${[sources.none(asked), ...sourcesOf(filter, asked)].join(`
          union all`)}
        ) found order by seq desc limit ${asked.limit}
      )`;
  return { text, values: asked.values };
}

/** Where its runs are looked for. No run is in two of them. */
function sourcesOf(filter: RunFilter, asked: Asked): readonly string[] {
  const { state, queue, key, scheduledBy, deployment } = filter;
  const isOf = (...states: readonly RunState[]): boolean => state === null || states.includes(state);
  const finished = needsLists(filter) ? [sources.listed(asked), sources.unlisted(asked)] : [];
  // An unfinished run has no fingerprint.
  if ((state !== null && isFinal(state)) || filter.fingerprint !== null) return finished;
  if (key !== null) return [...finished, sources.unfinishedOfKey(asked)];
  const running = isOf('running') ? [sources.running(asked)] : [];
  // One that waits is of no deployment.
  const mayWait = isOf('scheduled', 'queued') && deployment === null;
  if (queue !== null || scheduledBy !== null || deployment !== null)
    return [...finished, ...running, ...(mayWait ? [sources.waiting(asked)] : [])];
  if (state === 'running') return running;
  return state === null ? [sources.ofTasks(asked, asked.limit)] : [sources.waitingOfAll(asked)];
}
