import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { History, WitnessLine } from '../../src/chaos/judge/history.ts';
import { findShortfalls } from '../../src/chaos/judge/shortfalls.ts';
import { readReport } from '../rules/run-campaign.ts';
import { countNames } from '../../src/chaos/judge/verdict.ts';

type Carried = Parameters<typeof findShortfalls>[1];
type Ends = Pick<History, 'runs' | 'changes' | 'ends' | 'witness' | 'acknowledged'>;

const ids = Array.from({ length: 12 }, (_, index) => `run ${index}`);
const line = (run: string, kind: WitnessLine['kind']): Partial<WitnessLine> => ({ run, fence: '1', kind });

/** Twelve runs that did all that a run may, and one fault. */
const history = {
  runs: ids.map((id) => ({ id, queue: null, state: 'succeeded', result: '1' })),
  changes: ids.map((run) => ({ run, after: 'running', fence: 1 })),
  ends: ids.map((run) => ({ run, fence: 1, outcome: 'returned' })),
  witness: ids.flatMap((run) =>
    (['began', 'wrote', 'added', 'scheduled', 'ended', 'answered'] as const).map((kind) => line(run, kind)),
  ),
  acknowledged: ids,
} as unknown as Ends;

const carried: Carried = {
  options: { runs: 12, faults: 1 },
  runs: {
    queues: [],
    runs: ids.map(() => ({
      run: { task: 'step', parameters: { writes: true, children: [], lingersMs: 1 } },
      count: 1,
    })),
  },
  faults: [{ kind: 'worker_killed' }],
  made: [{ kind: 'worker_killed' }],
};

const shortfalls = (changed: Partial<Ends>, otherwise: Partial<Carried> = {}): readonly string[] =>
  findShortfalls({ ...history, ...changed } as History, { ...carried, ...otherwise });

const silentAbout = (kind: WitnessLine['kind']): Partial<Ends> => ({
  witness: history.witness.filter((each) => each.kind !== kind),
});

describe('a campaign that does not do what it planned says so', () => {
  it('and one that does says nothing', () => assert.deepEqual(shortfalls({}), []));

  it('when nothing happened at all', () => {
    assert.deepEqual(shortfalls({ runs: [], changes: [], ends: [], witness: [], acknowledged: [] }, { made: [] }), [
      '12 runs were to be scheduled, and 0 were',
      '12 runs were to be there, and 0 are',
      'none of 0 attempts returned a value',
      '12 runs were to do so, and no task wrote an object',
      '12 runs were to do so, and no task added to the number',
      '12 runs were to do so, and no task scheduled further runs',
      '12 runs were to do so, and no task lingered after its answer',
      'worker_killed: 1 were to be made, and 0 found something to strike',
    ]);
  });

  it('when fewer runs are planned than were asked for', () => {
    assert.deepEqual(shortfalls({}, { options: { runs: 13, faults: 1 } }), ['13 runs were asked for, and 12 planned']);
  });

  it('when runs had no attempt, unless they were cancelled', () => {
    const changes = history.changes.slice(1);
    assert.deepEqual(shortfalls({ changes }), ['1 of 12 runs had no attempt']);
    const runs = history.runs.map((run) => (run.id === 'run 0' ? { ...run, state: 'cancelled' as const } : run));
    assert.deepEqual(shortfalls({ changes, runs }), []);
  });

  it('when every attempt threw', () => {
    const ends = history.ends.map((end) => ({ ...end, outcome: 'threw' as const }));
    assert.deepEqual(shortfalls({ ends }), ['none of 12 attempts returned a value']);
  });

  it('when the witness says nothing of attempts that returned', () => {
    for (const kind of ['began', 'ended'] as const)
      assert.deepEqual(shortfalls(silentAbout(kind)), [
        'the tasks of 12 of 12 attempts that returned witnessed nothing',
      ]);
  });

  it('when no task did what many were to', () => {
    assert.deepEqual(shortfalls(silentAbout('wrote')), ['12 runs were to do so, and no task wrote an object']);
    assert.deepEqual(shortfalls(silentAbout('answered')), [
      '12 runs were to do so, and no task lingered after its answer',
    ]);
  });

  it('when faults found nothing to strike, or none can be made', () => {
    assert.deepEqual(shortfalls({}, { made: [] }), [
      'worker_killed: 1 were to be made, and 0 found something to strike',
    ]);
    assert.deepEqual(shortfalls({}, { faults: [], made: [] }), ['none of 1 faults can be made here']);
    assert.deepEqual(shortfalls({}, { options: { runs: 12, faults: 0 }, faults: [], made: [] }), []);
  });
});

describe('what a campaign prints is a verdict only with all counts', () => {
  const zeros = Object.fromEntries(countNames.map((name) => [name, 0]));
  const report = { seed: 1, tookMs: 2, cases: [], shortfalls: [] };

  it('and then the counts that are not 0 are told', () => {
    const printed = JSON.stringify({ ...report, ...zeros, overlaps: 2 });
    assert.deepEqual(readReport(printed, 'none').counts, { overlaps: 2 });
  });

  it('so that the error of a build that does nothing is not taken for zeros', () => {
    const error = { code: 'internal', detail: 'relation "nowhere" does not exist', status: 500 };
    assert.throws(() => readReport(JSON.stringify(error), 'no verdict'), /no verdict[^]*nowhere/);
    assert.throws(() => readReport('', 'no verdict'), /no verdict/);
    assert.throws(() => readReport(JSON.stringify({ ...report, overlaps: 0 }), 'no verdict'), /no verdict/);
  });
});
