import type { History, RunChange } from './history.ts';

/** A history with what several rules look for in it. */
export interface IndexedHistory extends History {
  readonly changesOfRun: ReadonlyMap<string, readonly RunChange[]>;
  readonly changesOfQueue: ReadonlyMap<string, readonly RunChange[]>;
  readonly claims: readonly RunChange[];
  /** By `run fence`. */
  readonly claimOf: ReadonlyMap<string, RunChange>;
}

export function indexHistory(history: History): IndexedHistory {
  const claims = history.changes.filter(isClaim);
  return {
    ...history,
    claims,
    changesOfRun: Map.groupBy(history.changes, ({ run }) => run),
    changesOfQueue: Map.groupBy(history.changes.filter(isQueued), ({ queue }) => queue),
    claimOf: new Map(claims.map((claim) => [`${claim.run} ${claim.fence}`, claim])),
  };
}

/** Whether it begins an attempt. */
export function isClaim({ before, after, fence }: RunChange): boolean {
  return after === 'running' && fence !== null && before !== null;
}

function isQueued(change: RunChange): change is RunChange & { readonly queue: string } {
  return change.queue !== null;
}

/** Whether a statement with this snapshot saw what a transaction had done: `xmin:xmax:those under way`, as PostgreSQL's documentation of pg_snapshot has it. */
export function isVisible(xid: number, snapshot: string): boolean {
  const [oldest = '0', next = '0', underWay = ''] = snapshot.split(':');
  if (xid < Number(oldest)) return true;
  return xid < Number(next) && !underWay.split(',').includes(String(xid));
}
