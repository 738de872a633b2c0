import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openFitness } from '../../../src/engine/runner/machine-fitness.ts';

/** A probe that fails until it is told, at a clock that is set by hand. */
function openOn(t: TestContext) {
  let now = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => now);
  const probes: number[] = [];
  const told: (string | null)[] = [];
  const state = { isSick: true };
  const fitness = openFitness({
    probe: async () => {
      probes.push(now);
      if (state.isSick) throw new Error('still full');
    },
    onChange: (reason) => told.push(reason),
    onFree: () => undefined,
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await setImmediate();
      now += 1_000;
      t.mock.timers.tick(1_000);
      await setImmediate();
    }
  };
  return { fitness, probes, told, state, pass };
}

test('an unfit machine is probed at once, then after 1, 2, 4 … seconds, and at last every minute', async (t) => {
  const { fitness, probes, told, pass } = openOn(t);
  await using _ = fitness;
  assert.equal(fitness.mayStart(), Infinity);
  fitness.onFault(new Error('full'));
  fitness.onFault(new Error('the same of another run'));
  assert.deepEqual([fitness.mayStart(), fitness.unfitReason()], [0, 'full']);
  await pass(250);
  assert.deepEqual(
    probes,
    [0, 1, 3, 7, 15, 31, 63, 123, 183, 243].map((seconds) => seconds * 1_000),
  );
  assert.deepEqual(told, ['full', 'still full'], 'told once for each reason');
});

test('after a probe that worked one run may start; the pauses begin anew when it has begun, and grow on when it has not', async (t) => {
  const { fitness, probes, told, state, pass } = openOn(t);
  await using _ = fitness;
  state.isSick = false;
  fitness.onFault('no room for this bundle');
  await pass(1);
  assert.deepEqual([fitness.mayStart(), fitness.unfitReason()], [1, null]);
  fitness.onFault('no room for this bundle');
  await pass(3);
  fitness.onFault('no room for this bundle');
  await pass(3);
  assert.deepEqual(probes, [0, 2_000, 6_000], 'at once, a second after the second fault, two seconds after the third');
  fitness.onBegun();
  assert.equal(fitness.mayStart(), Infinity);
  fitness.onFault('full again');
  await pass(1);
  assert.equal(probes.length, 4, 'at once again');
  assert.deepEqual(told.filter((reason) => reason !== null).length, 4);
});
