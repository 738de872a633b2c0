import type { RunChange } from '../history.ts';
import type { IndexedHistory } from '../index-history.ts';
import { databaseTime } from '../database-time.ts';
import type { Standstill } from '../verdict.ts';

/** The longest standstill of all, and the longest after each kind of fault, beyond the time for which that fault itself lasted. */
export interface Standstills {
  readonly longest: Standstill | null;
  /** In milliseconds, by the kind of the last fault that had begun before the standstill ended. */
  readonly beyondFault: Readonly<Record<string, number>>;
}

/**
 * The longest stretch in which a queue had a run that could have been working, and none was: also while the database's rows called a run running whose process was long dead. What an
 * attempt worked does not count: from when its task saw itself begin until it saw itself at work last. Back-off, due times that lie ahead and
 * pauses do not count; nor does the time in which the runners, who can do only so many at once, still claimed runs that were due before it.
 */
export function findStandstills(history: IndexedHistory): Standstills {
  const faults = faultsByDatabaseTime(history);
  const lines = [
    ...history.changesOfQueue,
    ...[...history.changesOfRun].filter(([, changes]) => changes[0]?.queue === null),
  ];
  const working = workingTimes(history);
  let longest: Standstill | null = null;
  const beyondFault: Record<string, number> = {};
  for (const [, changes] of lines) {
    for (const stretch of stretchesOf(changes, history.pauses).flatMap((each) => withoutWork(each, working))) {
      const { to, run, queue, claim } = stretch;
      const from = claim === null ? stretch.from : Math.max(stretch.from, lastClaimOfEarlier(history.claims, claim));
      const fault = faults.findLast(({ beganAt }) => beganAt <= to);
      if (to - from > (longest?.ms ?? 0))
        longest = { ms: Math.round(to - from), queue, run, fault: fault?.kind ?? null };
      if (fault !== undefined)
        beyondFault[fault.kind] = Math.max(
          beyondFault[fault.kind] ?? 0,
          Math.round(to - from - shared({ from, to }, fault)),
        );
    }
  }
  return { longest, beyondFault };
}

interface Fault {
  readonly kind: string;
  readonly beganAt: number;
  readonly healedAt: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Stretch extends Span {
  readonly run: string;
  readonly queue: string | null;
  /** What ended it, when that was a claim. */
  readonly claim: RunChange | null;
  /** The fence of the attempt that was running meanwhile; null when none was. */
  readonly fence: number | null;
}

function stretchesOf(changes: readonly RunChange[], pauses: IndexedHistory['pauses']): readonly Stretch[] {
  const waiting = new Map<string, RunChange>();
  let lastStep = -Infinity;
  let runningFence: number | null = null;
  return changes.flatMap((change): readonly Stretch[] => {
    const { run, queue, at, before, after } = change;
    const isStep = before === 'running' || after === 'running';
    // While one runs, from its claim on; else from when the run that was claimed could have been.
    const readyAt =
      runningFence !== null
        ? lastStep
        : Math.max(lastStep, change.wokeAt, waiting.get(run)?.at ?? -Infinity, resumedBefore(pauses, queue, at));
    const stretch =
      isStep && Number.isFinite(readyAt)
        ? [{ from: readyAt, to: at, run, queue, claim: after === 'running' ? change : null, fence: runningFence }]
        : [];
    if (isStep) {
      lastStep = at;
      runningFence = after === 'running' ? change.fence : null;
    }
    if (after === 'queued') waiting.set(run, change);
    return stretch;
  });
}

/** When attempts were at work, by fence: from the first to the last that they saw of themselves. */
function workingTimes({ witness, clockSamples }: IndexedHistory): ReadonlyMap<number, Span> {
  const times = new Map<number, Span>();
  for (const line of witness) {
    const at = databaseTime(clockSamples, line.at);
    if (at === null) continue;
    const known = times.get(Number(line.fence));
    times.set(Number(line.fence), { from: Math.min(known?.from ?? at, at), to: Math.max(known?.to ?? at, at) });
  }
  return times;
}

function withoutWork(stretch: Stretch, working: ReadonlyMap<number, Span>): readonly Stretch[] {
  const work = stretch.fence === null ? undefined : working.get(stretch.fence);
  if (work === undefined) return [stretch];
  const within = (at: number): number => Math.min(Math.max(at, stretch.from), stretch.to);
  return [
    { ...stretch, to: within(work.from) },
    { ...stretch, from: within(work.to) },
  ];
}

/** When a run that was due before this one was claimed last before it. */
function lastClaimOfEarlier(claims: readonly RunChange[], { seq, wokeAt }: RunChange): number {
  return claims.findLast((other) => other.seq < seq && other.wokeAt <= wokeAt)?.at ?? -Infinity;
}

function resumedBefore(pauses: IndexedHistory['pauses'], queue: string | null, at: number): number {
  return pauses.findLast((pause) => pause.queue === queue && !pause.isPaused && pause.at <= at)?.at ?? -Infinity;
}

/** In the order in which they began, by the database's clock. */
function faultsByDatabaseTime({ faults, clockSamples }: IndexedHistory): readonly Fault[] {
  const at = (bootMs: number): number => databaseTime(clockSamples, bootMs) ?? Infinity;
  return faults
    .map(({ kind, beganAt, healedAt }) => ({ kind, beganAt: at(beganAt), healedAt: at(healedAt) }))
    .sort((a, b) => a.beganAt - b.beganAt);
}

function shared({ from, to }: Span, { beganAt, healedAt }: Fault): number {
  return Math.max(0, Math.min(to, healedAt) - Math.max(from, beganAt));
}
