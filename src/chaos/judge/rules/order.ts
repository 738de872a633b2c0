import type { RunChange } from '../history.ts';
import { type IndexedHistory, isClaim, isVisible } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 8: a claim takes the first of its queue, by due time and then by the order of scheduling, of all that its statement could see. One in back-off keeps its place, unless the queue skips those. */
export function findOrderViolations({ changesOfQueue, skipping }: IndexedHistory): readonly Case[] {
  return [...changesOfQueue].flatMap(([queue, changes]) => {
    // The changes of each run so far; those of runs that were finished long before are looked at no more.
    const open = new Map<string, RunChange[]>();
    return changes.flatMap((change): readonly Case[] => {
      const overtaken =
        isClaim(change) && change.snapshot !== null
          ? firstOvertaken(change, change.snapshot, skipping.has(queue) ? withoutRetried(open) : open)
          : null;
      const own = open.get(change.run) ?? [];
      own.push(change);
      open.set(change.run, own);
      if (isClaim(change)) forgetFinished(open, change);
      return overtaken === null
        ? []
        : [
            {
              count: 'orderViolations',
              run: change.run,
              what: `was claimed in ${queue} before ${overtaken.run}, which came first`,
            },
          ];
    });
  });
}

function firstOvertaken(
  claim: RunChange,
  snapshot: string,
  open: ReadonlyMap<string, readonly RunChange[]>,
): RunChange | null {
  for (const [run, changes] of open) {
    if (run === claim.run) continue;
    const seen = changes.findLast(({ xid }) => xid === claim.xid || isVisible(xid, snapshot));
    if (seen?.after === 'queued' && comesBefore(seen, claim)) return seen;
  }
  return null;
}

/** Those that were never in back-off. Of the others it is not known whether it had ended when the next run was chosen, which is before that one is claimed. */
function withoutRetried(open: ReadonlyMap<string, readonly RunChange[]>): ReadonlyMap<string, readonly RunChange[]> {
  return new Map([...open].filter(([, changes]) => changes.every(({ wakeAt, dueAt }) => wakeAt === dueAt)));
}

function comesBefore(one: RunChange, other: RunChange): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order);
}

/** What every later statement sees as ended, because the claim's statement did. */
function forgetFinished(open: Map<string, RunChange[]>, { snapshot }: RunChange): void {
  for (const [run, changes] of open) {
    const last = changes.at(-1);
    if (last === undefined || snapshot === null || last.after === 'queued' || last.after === 'running') continue;
    if (isVisible(last.xid, snapshot)) open.delete(run);
  }
}
