import type { History, RunChange, WitnessLine } from '../../src/chaos/judge/history.ts';

// What a campaign has seen when all went well; tests of the judge spoil it.

/** Two runs of one queue: the first is tried twice. Transactions are numbered as they come. */
const steps = [
  { run: 'a', before: null, after: 'queued', at: 1000, attempt: 0 },
  { run: 'b', before: null, after: 'queued', at: 1010, attempt: 0 },
  { run: 'a', before: 'queued', after: 'running', at: 1020, attempt: 1, fence: 1 },
  { run: 'a', before: 'running', after: 'queued', at: 1100, attempt: 1, fence: 1, wakeAt: 2000 },
  { run: 'a', before: 'queued', after: 'running', at: 2005, attempt: 2, fence: 2, wokeAt: 2000 },
  { run: 'a', before: 'running', after: 'succeeded', at: 2100, attempt: 2, fence: 2 },
  { run: 'b', before: 'queued', after: 'running', at: 2110, attempt: 1, fence: 3 },
  { run: 'b', before: 'running', after: 'failed', at: 2200, attempt: 1, fence: 3 },
] as const satisfies readonly Partial<RunChange>[];

function goodHistory(): History {
  const changes = steps.map((step, index): RunChange => {
    const dueAt = step.run === 'a' ? 1000 : 1010;
    return {
      seq: index + 1,
      xid: 100 + index,
      queue: 'q',
      attemptLimit: 5,
      fence: null,
      dueAt,
      order: step.run === 'a' ? 1 : 2,
      wokeAt: dueAt,
      wakeAt: dueAt,
      snapshot: step.after === 'running' ? `${100 + index}:${100 + index}:` : null,
      isStale: false,
      ...step,
    };
  });
  return {
    changes,
    ends: [
      { seq: 1, xid: 103, run: 'a', number: 1, fence: 1, outcome: 'lost' },
      { seq: 2, xid: 105, run: 'a', number: 2, fence: 2, outcome: 'returned' },
      { seq: 3, xid: 107, run: 'b', number: 1, fence: 3, outcome: 'threw' },
    ],
    lateLines: [{ xid: 105, run: 'a', attempt: 2 }],
    writes: [{ mark: 'm', run: 'a', fence: 2, queue: 'q', isStale: false }],
    additions: [{ fence: 2, isStale: false }],
    added: 2,
    tallies: new Map([['q', 1]]),
    skipping: new Set(),
    pauses: [],
    runs: [
      { id: 'a', queue: 'q', state: 'succeeded', result: '2' },
      { id: 'b', queue: 'q', state: 'failed', result: null },
    ],
    witness: [
      witnessed({ run: 'a', attempt: 1, fence: '1', at: 30 }),
      witnessed({ run: 'a', attempt: 2, fence: '2', at: 1010 }),
      witnessed({ kind: 'wrote', run: 'a', attempt: 2, fence: '2', mark: 'm' }),
      witnessed({ kind: 'added', run: 'a', attempt: 2, fence: '2' }),
      witnessed({ run: 'b', attempt: 1, fence: '3', at: 1120 }),
    ],
    acknowledged: ['a', 'b'],
    retried: [],
    clockSamples: [
      { bootMs: 0, databaseMs: 1000 },
      { bootMs: 1000, databaseMs: 2000 },
    ],
    faults: [{ kind: 'worker_killed', beganAt: 50, healedAt: 60 }],
    leftOver: [],
    endedByThemselves: [],
    wrongRows: [],
  };
}

export function witnessed(line: Partial<WitnessLine>): WitnessLine {
  return { kind: 'began', run: 'a', task: 'step', attempt: 1, fence: '1', queue: 'q', pid: 7, at: 30, ...line };
}

/** The history with one of its changes changed. */
export function withChange(history: History, index: number, change: Partial<RunChange>): History {
  return { ...history, changes: history.changes.map((each, at) => (at === index ? { ...each, ...change } : each)) };
}

export const good = goodHistory();
