import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { OperationEvent } from '../../../src/engine/core/operation-events.ts';
import type { ScheduledRun } from '../../../src/engine/core/schedule-request.ts';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { pauseQueue, resumeQueue } from '../../../src/engine/operations/pause-queue.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { type CallingAttempt, scheduleRun, scheduleRunByAttempt } from '../../../src/engine/operations/schedule-run.ts';
import { writeBatch } from '../../../src/engine/operations/write-batch.ts';
import { describeEvent } from '../../../src/engine/runner/events.ts';
import { openStore, type Store } from '../../../src/engine/store/open-store.ts';
import { testStore, type TestStore } from '../../support/store.ts';

const environment = 'testing';

const wanted = (run: Partial<ScheduledRun> = {}): ScheduledRun => ({
  id: randomUUID(),
  task: 'noop',
  parametersJson: '{}',
  at: null,
  afterMs: null,
  queue: null,
  key: null,
  ...run,
});

describe('operations tell one sink what they have done', () => {
  let base: TestStore;
  let store: Store;
  const events: OperationEvent[] = [];
  before(async () => {
    base = await testStore();
    store = await openStore({ url: base.store.url, onEvent: (event) => events.push(event) });
  });
  after(async () => {
    await store.close();
    await base[Symbol.asyncDispose]();
  });
  beforeEach(() => void (events.length = 0));

  const caller = async (): Promise<CallingAttempt> => {
    const { id } = await scheduleRun(base.store, environment, { task: 'noop' });
    const run = (await base.claim()).find((claimed) => claimed.id === id);
    assert.ok(run !== undefined);
    return { environment, runId: id, fence: run.fence };
  };
  const batch = (by: CallingAttempt, runs: readonly ScheduledRun[], id = randomUUID()) =>
    writeBatch(
      store,
      { caller: by, carryOut: () => Promise.reject(new Error('nothing else is in it')) },
      {
        id,
        parts: (async function* () {
          yield [{ do: 'schedule' as const, runs }];
        })(),
      },
    );

  it('a run from outside; not one that a key found', async () => {
    const { id } = await scheduleRun(store, environment, { task: 'noop', key: 'k', after: 60_000 });
    await scheduleRun(store, environment, { task: 'noop', key: 'k', after: 60_000 });
    assert.deepEqual(events, [
      { kind: 'runs_scheduled', environment, runs: [{ id, task: 'noop' }], scheduledBy: null },
    ]);
  });

  it('a run that an attempt schedules, and those of a batch together when it is committed', async () => {
    const by = await caller();
    const one = wanted();
    await scheduleRunByAttempt(store, by, { run: one, mayBeClaimed: false });
    const found = wanted({ key: 'of the batch' });
    await scheduleRunByAttempt(store, by, { run: found, mayBeClaimed: false });
    const many = [wanted({ task: 'other' }), wanted({ key: found.key }), wanted()];
    await batch(by, many);
    const told = (...runs: readonly ScheduledRun[]): OperationEvent => ({
      kind: 'runs_scheduled',
      environment,
      runs: runs.map(({ id, task }) => ({ id, task })),
      scheduledBy: by.runId,
    });
    assert.deepEqual(events, [told(one), told(found), told(...many.filter(({ key }) => key === null))]);
    assert.equal(describeEvent(told(one)), `noop ${one.id} scheduled by run ${by.runId}`);
    assert.equal(describeEvent(told(...many)), `3 runs of other, noop scheduled by run ${by.runId}`);
  });

  it('cancelling, retrying, pausing and resuming', async () => {
    const { runId } = await caller();
    const waiting = await scheduleRun(base.store, environment, { task: 'noop', after: 60_000 });
    await cancelRun(store, environment, waiting.id);
    await retryRun(store, environment, waiting.id);
    await cancelRun(store, environment, runId);
    await pauseQueue(store, environment, 'q');
    await resumeQueue(store, environment, 'q');
    assert.deepEqual(events, [
      { kind: 'run_cancelled', environment, runId: waiting.id },
      { kind: 'run_retried', environment, runId: waiting.id },
      { kind: 'cancel_requested', environment, runId },
      { kind: 'queue_paused', environment, queue: 'q' },
      { kind: 'queue_resumed', environment, queue: 'q' },
    ]);
  });

  it('nothing of what is refused or rolled back', async () => {
    const by = await caller();
    const run = wanted();
    await assert.rejects(scheduleRun(store, environment, { task: 'nop' }), { code: 'unknown_task' });
    await assert.rejects(scheduleRunByAttempt(store, { ...by, fence: '0' }, { run, mayBeClaimed: false }));
    await assert.rejects(batch(by, [run, wanted({ task: 'nop' })]), { code: 'unknown_task' });
    await assert.rejects(retryRun(store, environment, by.runId), { code: 'run_not_final' });
    await assert.rejects(cancelRun(store, environment, randomUUID()), { code: 'run_not_found' });
    await assert.rejects(pauseQueue(store, environment, ''), { code: 'invalid_queue' });
    assert.deepEqual(events, []);
  });
});
