import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomes } from '../../../src/engine/core/run.ts';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { rescueRuns } from '../../../src/engine/operations/rescue-runs.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { type ClaimedRun, recordWorker } from '../../../src/engine/store/claim-runs.ts';
import { endLease } from '../../../src/engine/store/runners.ts';
import { storeAnswer, type StoredAnswer } from '../../../src/engine/store/store-answer.ts';
import { violatedConstraint } from '../../../src/engine/store/store-error.ts';
import { alterRuns, endOf, testStore, type TestStore } from '../../support/store.ts';

async function claimed(t: TestStore, queue?: string): Promise<ClaimedRun> {
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', ...(queue === undefined ? {} : { queue }) });
  const run = (await t.claim()).find((each) => each.id === id);
  assert.ok(run !== undefined);
  return run;
}

const thrown = { name: 'RangeError', message: 'as thrown', stack: null, properties: { code: 7 } };
const answers = {
  returned: { outcome: 'returned', resultJson: '{"a":[1,"\\u0000"]}', error: null, fingerprint: null },
  threw: { outcome: 'threw', resultJson: null, error: thrown, fingerprint: 'of what was thrown' },
} as const;

function answerOf(run: ClaimedRun, outcome: keyof typeof answers): StoredAnswer {
  return { runId: run.id, fence: run.fence, ...answers[outcome] };
}

async function stateOf(t: TestStore, run: ClaimedRun) {
  const { state, result, error, fingerprint, attempts } = await getRun(t.store, 'testing', run.id);
  return {
    state,
    result,
    error,
    fingerprint,
    attempts: attempts.map((attempt) => [
      attempt.outcome,
      attempt.error,
      attempt.answeredAt !== null,
      attempt.finishedAt !== null,
    ]),
  };
}

const ends = {
  returned: {
    state: 'succeeded',
    result: { a: [1, '\0'] },
    error: null,
    fingerprint: null,
    attempts: [['returned', null, true, true]],
  },
  threw: {
    state: 'failed',
    result: null,
    error: thrown,
    fingerprint: 'of what was thrown',
    attempts: [['threw', thrown, true, true]],
  },
};

for (const answer of ['returned', 'threw'] as const) {
  test(`promise 3: an answer that is stored (${answer}) is how the attempt ends, whatever its runner says of it, also when somebody has cancelled the run`, async () => {
    await using t = await testStore();
    for (const isCancelled of [false, true]) {
      for (const outcome of outcomes) {
        const run = await claimed(t, 'q');
        assert.equal(await storeAnswer(t.store, answerOf(run, answer)), true);
        if (isCancelled) await cancelRun(t.store, 'testing', run.id);
        const end =
          outcome === answer
            ? { ...endOf(run, outcome), ...answers[answer] }
            : {
                ...endOf(run, outcome),
                resultJson: null,
                error: { name: 'Late', message: 'what came after', stack: null },
              };
        assert.deepEqual(await finishAttempts(t.store, [end]), [ends[answer].state], outcome);
        assert.deepEqual(await stateOf(t, run), ends[answer], outcome);
      }
    }
  });
}

test('promise 3: a runner that is taken to be dead after an answer of its was stored leaves no attempt to be made again, and the others are', async () => {
  await using t = await testStore();
  const [returned, threw, silent] = [await claimed(t), await claimed(t, 'q'), await claimed(t)];
  await storeAnswer(t.store, answerOf(returned, 'returned'));
  await storeAnswer(t.store, answerOf(threw, 'threw'));
  await endLease(t.store, t.runnerId);
  assert.equal(await rescueRuns(t.store), 3);
  assert.deepEqual([await stateOf(t, returned), await stateOf(t, threw)], [ends.returned, ends.threw]);
  assert.equal((await stateOf(t, silent)).state, 'scheduled');
  assert.equal((await retryRun(t.store, 'testing', threw.id)).state, 'queued', 'when somebody asks for it');
});

test('promise 1: a run that has answered is running until its end is stored: the next of its queue waits, and nobody is shown a result', async () => {
  await using t = await testStore();
  const run = await claimed(t, 'q');
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  for (const outcome of ['returned', 'threw'] as const) await storeAnswer(t.store, answerOf(run, outcome));
  assert.deepEqual(await t.claim(), []);
  const listed = (await listRuns(t.store, 'testing', {})).runs.find(({ id }) => id === run.id);
  for (const shown of [await getRun(t.store, 'testing', run.id), listed]) {
    assert.deepEqual([shown?.state, shown?.result, shown?.error, shown?.finishedAt], ['running', null, null, null]);
    assert.deepEqual(
      shown?.attempts.map(({ outcome, answeredAt, finishedAt }) => [outcome, typeof answeredAt, finishedAt]),
      [[null, 'string', null]],
    );
  }
  assert.equal(await t.finish(run, 'lost'), 'succeeded');
  assert.equal((await t.claim()).length, 1);
});

test('promise 6: a superseded attempt stores no answer, nor does one that has ended, and one that has answered keeps its first', async () => {
  await using t = await testStore();
  const first = await claimed(t);
  assert.equal(
    await storeAnswer(t.store, { ...answerOf(first, 'returned'), fence: String(Number(first.fence) + 1) }),
    false,
  );
  await t.finish(first, 'lost');
  assert.equal(await storeAnswer(t.store, answerOf(first, 'returned')), false, 'it waits for its next attempt');
  await alterRuns(t.store, 'update cloudcode.runs set retry_at = now()');
  const [second] = await t.claim();
  assert.ok(second !== undefined);
  assert.equal(await storeAnswer(t.store, answerOf(first, 'returned')), false, 'another attempt has it');
  assert.deepEqual(
    [await storeAnswer(t.store, answerOf(second, 'threw')), await storeAnswer(t.store, answerOf(second, 'threw'))],
    [true, false],
    'as when the answer to the first was lost',
  );
  assert.equal(await storeAnswer(t.store, answerOf(second, 'returned')), false);
  assert.equal(await t.finish(second, 'killed'), 'failed');
  assert.equal(await storeAnswer(t.store, answerOf(second, 'returned')), false, 'it is over');
  assert.equal((await stateOf(t, second)).state, 'failed');
});

test('promise 3: whoever asks, the database lets no run that has answered become anything else', async () => {
  await using t = await testStore();
  const run = await claimed(t);
  await storeAnswer(t.store, answerOf(run, 'returned'));
  for (const state of ['queued', 'dead', 'failed', 'cancelled']) {
    const finishedAt = state === 'queued' ? 'null' : 'now()';
    // As the rescue of a runner of an older version does it.
    const end = t.store.query({
      name: '',
      text: `update cloudcode.runs set state = '${state}', outcome = 'lost', attempt_finished_at = now(), answer = null, result = null, finished_at = ${finishedAt} where id = '${run.id}'`,
    });
    await assert.rejects(
      end,
      (error) => ['answer_is_final', 'state_is_whole'].includes(violatedConstraint(error) ?? ''),
      state,
    );
  }
  assert.equal(await t.finish(run, 'lost'), 'succeeded');
});

test('promise 3: of ends that are stored together each has its own answer', async () => {
  await using t = await testStore();
  const runs = [await claimed(t), await claimed(t, 'a'), await claimed(t, 'b')];
  const [returned, threw, none] = runs;
  assert.ok(returned !== undefined && threw !== undefined && none !== undefined);
  await storeAnswer(t.store, answerOf(returned, 'returned'));
  await storeAnswer(t.store, answerOf(threw, 'threw'));
  assert.deepEqual(
    await finishAttempts(
      t.store,
      runs.map((run) => endOf(run, 'lost')),
    ),
    ['succeeded', 'failed', 'scheduled'],
  );
  assert.deepEqual([await stateOf(t, returned), await stateOf(t, threw)], [ends.returned, ends.threw]);
});

test('the process of an attempt is noted without waiting for a call that holds its run', async () => {
  await using t = await testStore();
  const { id, fence } = await claimed(t);
  const worker = { runId: id, fence, pid: 42 };
  await t.store.transaction(async (db) => {
    await db.query({ name: '', text: 'select cloudcode.hold_attempt($1, $2)', values: [id, fence] });
    assert.equal(await recordWorker(t.store, worker), false);
  });
  assert.equal(await recordWorker(t.store, worker), true);
  assert.equal((await getRun(t.store, 'testing', id)).attempts[0]?.pid, 42);
  assert.equal(await recordWorker(t.store, { ...worker, fence: '0' }), false, 'another has taken over');
});
