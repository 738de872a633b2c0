import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkHistory } from '../../src/chaos/judge/check-history.ts';
import type { History, RunChange } from '../../src/chaos/judge/history.ts';
import type { CountName } from '../../src/chaos/judge/verdict.ts';
import { good, withChange, witnessed } from './good-history.ts';

function without<Value>(values: readonly Value[], index: number): readonly Value[] {
  return values.filter((_, at) => at !== index);
}

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
});
