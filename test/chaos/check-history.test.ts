import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkHistory } from '../../src/chaos/judge/check-history.ts';
import type { History, RunChange, WitnessLine } from '../../src/chaos/judge/history.ts';
import type { CountName } from '../../src/chaos/judge/verdict.ts';

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

function witnessed(line: Partial<WitnessLine>): WitnessLine {
  return { kind: 'began', run: 'a', task: 'step', attempt: 1, fence: '1', queue: 'q', pid: 7, at: 30, ...line };
}

/** The history with one of its changes changed. */
function withChange(history: History, index: number, change: Partial<RunChange>): History {
  return { ...history, changes: history.changes.map((each, at) => (at === index ? { ...each, ...change } : each)) };
}

function without<Value>(values: readonly Value[], index: number): readonly Value[] {
  return values.filter((_, at) => at !== index);
}

const good = goodHistory();

const spoiled: Readonly<Record<string, readonly [CountName, History]>> = {
  'a process that found its queue taken': [
    'overlaps',
    { ...good, witness: [...without(good.witness, 0), witnessed({ kind: 'overlap' })] },
  ],
  'a claim while another run of the queue was running': [
    'overlaps',
    {
      ...good,
      changes: [
        ...good.changes.slice(0, 5),
        { ...(good.changes[6] as RunChange), at: 2050 },
        good.changes[5] as RunChange,
        good.changes[7] as RunChange,
      ],
    },
  ],
  'a run that was confirmed to the campaign and is not there': ['lostRuns', { ...good, acknowledged: ['a', 'b', 'c'] }],
  'a run that was confirmed to a task and is not there': [
    'lostRuns',
    { ...good, witness: [...good.witness, witnessed({ kind: 'scheduled', ids: ['d'] })] },
  ],
  'a run that was there': ['lostRuns', { ...good, runs: without(good.runs, 1) }],
  'an object that was confirmed and is not there': [
    'lostWrites',
    { ...good, witness: [...good.witness, witnessed({ kind: 'wrote', mark: 'n' })] },
  ],
  'a count that was overwritten': ['lostWrites', { ...good, tallies: new Map([['q', 2]]) }],
  'a fence that was added, confirmed and is not there': [
    'lostWrites',
    { ...good, witness: [...good.witness, witnessed({ kind: 'added', run: 'b', fence: '3' })] },
  ],
  'a sum that was overwritten': ['lostWrites', { ...good, added: 0 }],
  'a fence that was added twice': [
    'doubledWrites',
    { ...good, additions: [...good.additions, ...good.additions], added: 4 },
  ],
  'a fence that was added when its attempt had ended': [
    'staleWrites',
    { ...good, additions: good.additions.map((each) => ({ ...each, isStale: true })) },
  ],
  'a run that was finished and was queued again': [
    'retriedAfterAnswer',
    {
      ...good,
      changes: [
        ...good.changes,
        { ...(good.changes[7] as RunChange), seq: 9, xid: 108, before: 'failed', after: 'queued' },
      ],
    },
  ],
  'an answer after which the run was tried again': [
    'retriedAfterAnswer',
    { ...good, ends: good.ends.map((end) => (end.seq === 1 ? { ...end, outcome: 'threw' } : end)) },
  ],
  'an attempt that had answered for a while and was tried again': [
    'retriedAfterAnswer',
    { ...good, witness: [...good.witness, witnessed({ kind: 'answered', forMs: 50, at: 90 })] },
  ],
  'an outcome that was stored without its run': [
    'staleWrites',
    { ...good, ends: [...good.ends, { seq: 4, xid: 108, run: 'a', number: 1, fence: 8, outcome: 'returned' }] },
  ],
  'log lines of an attempt that has ended': [
    'staleWrites',
    { ...good, lateLines: [...good.lateLines, { xid: 104, run: 'a', attempt: 1 }] },
  ],
  'an object of an attempt that has ended': [
    'staleWrites',
    { ...good, writes: good.writes.map((write) => ({ ...write, isStale: true })) },
  ],
  'a run scheduled by an attempt that has ended': ['staleWrites', withChange(good, 1, { isStale: true })],
  'an answer of another attempt': [
    'staleWrites',
    { ...good, runs: good.runs.map((run) => ({ ...run, result: run.id === 'a' ? '1' : run.result })) },
  ],
  'a claim before the due time': ['earlyStarts', withChange(good, 2, { wokeAt: 1021 })],
  'a claim before the end of the back-off': ['earlyStarts', withChange(good, 4, { at: 1999 })],
  'a claim that overtook': ['orderViolations', withChange(good, 2, { order: 3, dueAt: 1011 })],
  'a run that is unfinished': [
    'stuckQueues',
    { ...good, runs: good.runs.map((run) => ({ ...run, state: run.id === 'b' ? 'queued' : run.state })) },
  ],
  'a runner that ended by itself': ['runnersEnded', { ...good, endedByThemselves: ['runner 1: exit code 5'] }],
  'a run that waits and cannot be claimed': [
    'wrongRows',
    { ...good, wrongRows: [{ problem: 'a waiting run is not entered', environmentId: 1, queue: null, runId: 'a' }] },
  ],
  'a process that is left': ['processesLeftOver', { ...good, leftOver: [4711] }],
  'a dead too early': [
    'attemptsMiscounted',
    {
      ...withChange(good, 7, { after: 'dead' }),
      ends: good.ends.map((end) => (end.seq === 3 ? { ...end, outcome: 'lost' } : end)),
    },
  ],
  'a retry too many': ['attemptsMiscounted', withChange(good, 3, { attemptLimit: 1 })],
  'an attempt that was not counted': ['attemptsMiscounted', withChange(good, 4, { attempt: 1 })],
  'an end that was not stored': ['attemptsMiscounted', { ...good, ends: without(good.ends, 2) }],
  'a process that nobody had claimed': [
    'unclaimedStarts',
    { ...good, witness: [...good.witness, witnessed({ fence: '9' })] },
  ],
  'a process that began twice': ['unclaimedStarts', { ...good, witness: [...good.witness, witnessed({ at: 40 })] }],
  'a process that began when its attempt had ended': [
    'unclaimedStarts',
    {
      ...good,
      witness: good.witness.map((line) => (line.at === 30 && line.kind === 'began' ? { ...line, at: 400 } : line)),
    },
  ],
};

describe('the judge of campaigns', () => {
  it('finds nothing in a good history', () => {
    const { cases, runs, attempts } = checkHistory(good);
    assert.deepEqual([cases, runs, attempts], [[], 2, 3]);
  });

  for (const [what, [count, history]] of Object.entries(spoiled)) {
    it(`finds ${what}`, () => {
      const verdict = checkHistory(history);
      assert.deepEqual(
        verdict.cases.map((each) => each.count),
        [count],
        JSON.stringify(verdict.cases),
      );
      assert.equal(verdict.counts[count], 1);
    });
  }

  it('finds a fence that does not grow', () => {
    const { counts } = checkHistory(withChange(good, 6, { fence: 2 }));
    assert.equal(counts.fencesNotGrowing, 1);
  });

  it('takes a retry that was asked for as one, and the next as none', () => {
    const revived = [8, 9].map((index): RunChange => ({
      ...(good.changes[7] as RunChange),
      seq: index,
      xid: 100 + index,
      before: 'failed',
      after: 'queued',
    }));
    assert.deepEqual(
      checkHistory({ ...good, changes: [...good.changes, ...revived], retried: ['b'] }).counts.retriedAfterAnswer,
      1,
    );
    assert.deepEqual(
      checkHistory({ ...good, changes: [...good.changes, ...revived], retried: ['b', 'b'] }).counts.retriedAfterAnswer,
      0,
    );
  });

  it('takes no answer for stored that had no way to the database, or whose attempt was taken over', () => {
    const answered = (at: number, ...faults: History['faults']): number =>
      checkHistory({ ...good, faults, witness: [...good.witness, witnessed({ kind: 'answered', forMs: 50, at })] })
        .counts.retriedAfterAnswer;
    assert.equal(answered(90), 1);
    assert.equal(answered(90, { kind: 'runner_killed', beganAt: 95, healedAt: 300 }), 1, 'afterwards');
    assert.equal(answered(90, { kind: 'runner_killed', beganAt: 60, healedAt: 300 }), 0, 'meanwhile');
    assert.equal(
      answered(90, { kind: 'runner_killed', beganAt: -5_000, healedAt: 300 }),
      1,
      'another runner, which is still away',
    );
    assert.equal(answered(90, { kind: 'connections_blackholed', beganAt: -5_000, healedAt: 80 }), 0);
    assert.equal(answered(90, { kind: 'database_restarted_fast', beganAt: -5_000, healedAt: -500 }), 0);
    assert.equal(answered(110), 0, 'taken over by then');
  });

  it('does not take for overtaken what the claim could not see yet', () => {
    const late: RunChange = { ...(good.changes[0] as RunChange), run: 'c', seq: 0.5, xid: 50, dueAt: 900, order: 0 };
    const runs = [...good.runs, { id: 'c', queue: null, state: 'cancelled', result: null } as const];
    const cancelled: RunChange = { ...late, seq: 9, xid: 109, before: 'queued', after: 'cancelled' };
    const seen = { ...good, runs, changes: [late, ...good.changes, cancelled] };
    assert.equal(checkHistory(seen).counts.orderViolations, 3, 'it was there for all three claims');
    const unseen = withChange(
      withChange(withChange(seen, 3, { snapshot: '50:102:50' }), 5, { snapshot: '50:104:50' }),
      7,
      { snapshot: '50:106:50' },
    );
    assert.equal(checkHistory(unseen).counts.orderViolations, 0, 'its transaction was unfinished');
  });

  it('lets a queue that skips what is in back-off go on meanwhile, and no other', () => {
    const order = [0, 1, 2, 3, 6, 7, 4, 5];
    const passed = {
      ...good,
      changes: order
        .flatMap((index) => good.changes[index] ?? [])
        .map((change, index) => ({
          ...change,
          fence: [null, null, 1, 1, 2, 2, 3, 3][index] ?? null,
          snapshot: change.snapshot === null ? null : '200:200:',
        })),
    };
    assert.equal(checkHistory(passed).counts.orderViolations, 1);
    assert.equal(checkHistory({ ...passed, skipping: new Set(['q']) }).counts.orderViolations, 0);
    const overtaken = withChange(good, 2, { order: 3, dueAt: 1011 });
    assert.equal(
      checkHistory({ ...overtaken, skipping: new Set(['q']) }).counts.orderViolations,
      1,
      'what was never in back-off is not let by',
    );
  });

  it('names the longest standstill, and the fault before it', () => {
    // a: claimed 1020, ended 1100, in back-off until 2000, claimed 2005, began 2010, ended 2100; b: claimed 2110, began 2120, ended 2200.
    assert.deepEqual(checkHistory(good).maxStandstill, { ms: 90, queue: 'q', run: 'a', fault: 'worker_killed' });
    const slow = {
      ...good,
      changes: good.changes.map((change, index) => (index >= 6 ? { ...change, at: change.at + 500 } : change)),
    };
    assert.deepEqual(checkHistory(slow).maxStandstill, { ms: 510, queue: 'q', run: 'b', fault: 'worker_killed' });
    const paused = {
      ...slow,
      pauses: [
        { seq: 1, at: 1500, queue: 'q', isPaused: true },
        { seq: 2, at: 2590, queue: 'q', isPaused: false },
      ],
    };
    assert.equal(checkHistory(paused).maxStandstill?.ms, 90);
  });

  it('does not take for a standstill that an attempt is at work, and names the longest for each kind of fault beyond the time it lasted', () => {
    // The attempts saw themselves end 5 ms before their ends were stored; the first was alive at 1040, and a fault lasted from 1050 to 1060.
    const alive = witnessed({ kind: 'alive', run: 'a', attempt: 1, fence: '1', at: 40 });
    const ended = [
      witnessed({ kind: 'ended', run: 'a', attempt: 2, fence: '2', at: 1095 }),
      witnessed({ kind: 'ended', run: 'b', attempt: 1, fence: '3', at: 1195 }),
    ];
    const verdict = checkHistory({ ...good, witness: [...good.witness, alive, ...ended] });
    assert.deepEqual(verdict.maxStandstill, { ms: 60, queue: 'q', run: 'a', fault: 'worker_killed' });
    assert.deepEqual(verdict.standstillBeyondFault, { worker_killed: 50 });
  });

  it('does not take for a standstill that the runners were busy with what was due before', () => {
    const slow = good.changes.map((change, index) => (index >= 6 ? { ...change, at: change.at + 500 } : change));
    const between = (dueAt: number): History => {
      const other = {
        ...(good.changes[0] as RunChange),
        run: 'c',
        queue: 'other',
        dueAt,
        wokeAt: dueAt,
        wakeAt: dueAt,
      };
      const added = [
        { ...other, at: dueAt },
        { ...other, before: 'queued', after: 'running', fence: 9, attempt: 1, at: 2500 },
        { ...other, before: 'running', after: 'succeeded', fence: 9, attempt: 1, at: 2550 },
      ] as const;
      const pauses = [
        { seq: 1, at: 1000, queue: 'other', isPaused: true },
        { seq: 2, at: 2490, queue: 'other', isPaused: false },
      ];
      return {
        ...good,
        pauses,
        changes: [...slow.slice(0, 6), ...added, ...slow.slice(6)].map((change, index) => ({
          ...change,
          seq: index + 1,
        })),
      };
    };
    // b could have been claimed from 2100 on, and was at 2610.
    assert.equal(checkHistory(between(2000)).maxStandstill?.ms, 510, 'what was due later was claimed at 2500');
    assert.equal(checkHistory(between(1005)).maxStandstill?.ms, 110, 'what was due before was claimed at 2500');
  });
});
