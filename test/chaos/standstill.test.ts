import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkHistory } from '../../src/chaos/judge/check-history.ts';
import type { History, RunChange } from '../../src/chaos/judge/history.ts';
import { good, witnessed } from './good-history.ts';

describe('how long a queue stood still, as the judge of campaigns tells it', () => {
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
