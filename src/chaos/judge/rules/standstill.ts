import type { RunChange } from '../history.ts';
import type { IndexedHistory } from '../index-history.ts';
import { databaseTime } from '../database-time.ts';
import type { Standstill } from '../verdict.ts';

/**
 * The longest stretch in which a queue had a run that could have been working, and nothing of the queue was claimed or ended: also while the database's rows called a run
 * running whose process was long dead. So it is never shorter than the longest attempt. Back-off, due times that lie ahead and pauses do not count; nor does the time in which the
 * runners, who can do only so many at once, still claimed runs that were due before it.
 */
export function findLongestStandstill(history: IndexedHistory): Standstill | null {
  const lines = [...history.changesOfQueue, ...[...history.changesOfRun].filter(([, changes]) => changes[0]?.queue === null)];
  let longest: Standstill | null = null;
  for (const [, changes] of lines) {
    for (const { from: readyAt, to, run, queue, claim } of stretchesOf(changes, history.pauses)) {
      if (to - readyAt <= (longest?.ms ?? 0)) continue;
      const from = claim === null ? readyAt : Math.max(readyAt, lastClaimOfEarlier(history.claims, claim));
      if (to - from > (longest?.ms ?? 0)) longest = { ms: Math.round(to - from), queue, run, fault: faultBefore(history, to) };
    }
  }
  return longest;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly run: string;
  readonly queue: string | null;
  /** What ended it, when that was a claim. */
  readonly claim: RunChange | null;
}

function stretchesOf(changes: readonly RunChange[], pauses: IndexedHistory['pauses']): readonly Stretch[] {
  const waiting = new Map<string, RunChange>();
  let lastStep = -Infinity;
  let isRunning = false;
  return changes.flatMap((change): readonly Stretch[] => {
    const { run, queue, at, before, after } = change;
    const isStep = before === 'running' || after === 'running';
    // While one runs, from its claim on; else from when the run that was claimed could have been.
    const readyAt = isRunning ? lastStep : Math.max(lastStep, change.wokeAt, waiting.get(run)?.at ?? -Infinity, resumedBefore(pauses, queue, at));
    const stretch = isStep && Number.isFinite(readyAt) ? [{ from: readyAt, to: at, run, queue, claim: after === 'running' ? change : null }] : [];
    if (isStep) {
      lastStep = at;
      isRunning = after === 'running';
    }
    if (after === 'queued') waiting.set(run, change);
    return stretch;
  });
}

/** When a run that was due before this one was claimed last before it. */
function lastClaimOfEarlier(claims: readonly RunChange[], { seq, wokeAt }: RunChange): number {
  return claims.findLast((other) => other.seq < seq && other.wokeAt <= wokeAt)?.at ?? -Infinity;
}

function resumedBefore(pauses: IndexedHistory['pauses'], queue: string | null, at: number): number {
  return pauses.findLast((pause) => pause.queue === queue && !pause.isPaused && pause.at <= at)?.at ?? -Infinity;
}

function faultBefore({ faults, clockSamples }: IndexedHistory, at: number): string | null {
  return faults.filter(({ beganAt }) => (databaseTime(clockSamples, beganAt) ?? Infinity) <= at).sort((a, b) => a.beganAt - b.beganAt).at(-1)?.kind ?? null;
}
