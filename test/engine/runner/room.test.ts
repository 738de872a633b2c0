import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { isAlive, readStat } from '../../../src/engine/runner/containment/proc-files.ts';
import { readEnvironmentId } from '../../../src/engine/store/read-runs.ts';
import { startRuntime, until } from '../../support/runtime.ts';

/** So many times the runner, which is in this process, had the chance to claim what it has no room for. */
const looks = 50;

test(
  'a run starts when the processes of the one before are gone, also while its end is being stored; but ends do not pile up',
  { timeout: 60_000 },
  async () => {
    await using runtime = await startRuntime({ noop: 'export async function run() {}' }, { concurrency: 1 });
    const environmentId = await readEnvironmentId(runtime.store, 'testing');
    const pidOf = (id: string): number | null =>
      runtime.events.flatMap((event) =>
        event.kind === 'attempt_started' && event.runId === id ? [event.pid] : [],
      )[0] ?? null;
    const stateOf = async (id: string): Promise<string> => (await getRun(runtime.store, 'testing', id)).state;
    const queued = [
      await runtime.schedule('noop', { queue: 'a', after: 500 }),
      await runtime.schedule('noop', { queue: 'b', after: 500 }),
    ];
    const last = await runtime.schedule('noop', { after: 600 });
    let added = last;
    await runtime.store.transaction(async (db) => {
      // Somebody else's transaction holds both queues: the ends of their runs wait.
      for (const queue of ['a', 'b'])
        await db.query({ name: '', text: `select cloudcode.lock_queue(${environmentId}, '${queue}')` });
      for (const { id } of queued) {
        const pid = await until(10_000, `run ${id} is started`, () => pidOf(id));
        await until(10_000, 'its process is gone', () => (isAlive(readStat(pid)) ? null : true));
      }
      await until(10_000, 'the last one is due', async () => ((await stateOf(last.id)) === 'scheduled' ? null : true));
      // Wakes the runner.
      added = await runtime.schedule('noop');
      for (let look = 0; look < looks; look += 1)
        assert.deepEqual(
          [await stateOf(last.id), await stateOf(added.id)],
          ['queued', 'queued'],
          'two ends wait, at a concurrency of one',
        );
      for (const { id } of queued) assert.equal(await stateOf(id), 'running');
    });
    for (const { id } of [...queued, last, added]) assert.equal((await runtime.ended(id)).state, 'succeeded');
  },
);
