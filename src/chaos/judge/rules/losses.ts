import { isFinal } from '../../../engine/core/run.ts';
import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 2: what was confirmed is there, and comes to an end. */
export function findLostRuns({ runs, acknowledged, witness, changesOfRun }: IndexedHistory): readonly Case[] {
  const there = new Set(runs.map(({ id }) => id));
  const confirmed = new Set([...acknowledged, ...witness.flatMap(({ ids = [] }) => ids), ...changesOfRun.keys()]);
  return [...confirmed]
    .filter((run) => !there.has(run))
    .map((run) => ({ count: 'lostRuns', run, what: 'was confirmed, and is not there' }));
}

/** What `DB` confirmed is there; and runs that do not overlap lose no count of their queue. */
export function findLostWrites({ witness, writes, tallies }: IndexedHistory): readonly Case[] {
  const there = new Set(writes.map(({ mark }) => mark));
  const lost = witness.flatMap(({ run, mark, attempt }): readonly Case[] => {
    return mark === undefined || there.has(mark)
      ? []
      : [{ count: 'lostWrites', run, what: `object ${mark} of attempt ${attempt} was confirmed, and is not there` }];
  });
  const written = Map.groupBy(
    writes.filter(({ queue }) => queue !== null),
    ({ queue }) => queue ?? '',
  );
  const miscounted = [...new Set([...written.keys(), ...tallies.keys()])].flatMap((queue): readonly Case[] => {
    const [marks, tally] = [new Set(written.get(queue)?.map(({ mark }) => mark)).size, tallies.get(queue) ?? 0];
    return marks === tally
      ? []
      : [{ count: 'lostWrites', run: null, what: `${queue} was counted up ${marks} times, and its count is ${tally}` }];
  });
  return [...lost, ...miscounted];
}

/** What `increment` confirmed was added, and the sum of what was added is there. */
export function findLostAdditions({ witness, additions, added }: IndexedHistory): readonly Case[] {
  const there = new Set(additions.map(({ fence }) => fence));
  const lost = witness
    .filter(({ kind, fence }) => kind === 'added' && !there.has(Number(fence)))
    .map(({ run, attempt }): Case => {
      return { count: 'lostWrites', run, what: `what attempt ${attempt} added was confirmed, and is not there` };
    });
  const sum = additions.reduce((before, { fence }) => before + fence, 0);
  return sum === added
    ? lost
    : [...lost, { count: 'lostWrites', run: null, what: `${sum} was added up, and the sum is ${added}` }];
}

/** An attempt adds its fence once. */
export function findDoubledAdditions({ additions }: IndexedHistory): readonly Case[] {
  return [...Map.groupBy(additions, ({ fence }) => fence)]
    .filter(([, all]) => all.length > 1)
    .map(([fence, all]) => {
      return {
        count: 'doubledWrites',
        run: null,
        what: `the attempt with fence ${fence} added once, and it was done ${all.length} times`,
      };
    });
}

/** Queues that still have something to do when nothing happens any more; a run without a queue counts as one of its own. */
export function findStuckQueues({ runs }: IndexedHistory): readonly Case[] {
  const unfinished = runs.filter(({ state }) => state === 'running' || !isFinal(state));
  return [...Map.groupBy(unfinished, ({ id, queue }) => queue ?? `run ${id}`)].map(([queue, waiting]) => {
    return {
      count: 'stuckQueues',
      run: waiting[0]?.id ?? null,
      what: `${queue} still has ${waiting.length} to do (${[...new Set(waiting.map(({ state }) => state))].join(', ')})`,
    };
  });
}

export function findLeftOver({ leftOver }: IndexedHistory): readonly Case[] {
  return leftOver.map((pid) => ({
    count: 'processesLeftOver',
    run: null,
    what: `process ${pid} of a worker outlived the runners`,
  }));
}

/** No fault of others ends a runner: its runs would wait until somebody looks. */
export function findEndedRunners({ endedByThemselves }: IndexedHistory): readonly Case[] {
  return endedByThemselves.map((what) => ({ count: 'runnersEnded', run: null, what }));
}

/** What can be claimed is derived from the runs, and is as they are. */
export function findWrongRows({ wrongRows }: IndexedHistory): readonly Case[] {
  return wrongRows.map(({ problem, queue, runId }) => ({
    count: 'wrongRows',
    run: runId,
    what: queue === null ? problem : `${problem} (${queue})`,
  }));
}
