import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessesGone } from '../../../src/engine/core/processes-gone.ts';
import type { FinishedAttempt } from '../../../src/engine/operations/finish-attempt.ts';

const unproven = {
  runId: '',
  task: '',
  fence: '1',
  number: 1,
  attemptLimit: 5,
  outcome: 'lost',
  cancelRequested: false,
  resultJson: null,
  error: null,
  exitCode: null,
  signal: null,
  pid: null,
  peakMemoryBytes: null,
  lines: [],
} as const;

test('promise 1: an end without the proof that the processes of its attempt are gone does not compile', () => {
  const proven: FinishedAttempt = { ...unproven, gone: ProcessesGone.because('never_started') };
  // @ts-expect-error: no proof
  const forgotten: FinishedAttempt = unproven;
  const lookalike = { because: 'ended' } as const;
  // @ts-expect-error: nobody but its own module makes one
  const invented: FinishedAttempt = { ...unproven, gone: lookalike }; // eslint-disable-line @typescript-eslint/no-unsafe-class-instance-assignment -- lint sees it too
  assert.equal(proven.gone.because, 'never_started');
  assert.deepEqual([typeof forgotten, typeof invented], ['object', 'object']);
});
