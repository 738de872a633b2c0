import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSequences } from './check-sequences.ts';
import { Model, type Next } from './model.ts';
import { openReal } from './real.ts';
import type { ModelRun } from './state.ts';

/** Believes that a run which a draining runner gave back has lost an attempt. */
class CountsWhatWasGivenBack extends Model {
  override finish(...[attempt, end]: Parameters<Model['finish']>): Next {
    const next = super.finish(attempt, end);
    if (next === 'queued') this.run(attempt.run).attemptLimit -= 1;
    return next;
  }
}

/** Believes that the front of a queue stays where it is when its run is cancelled. */
class ForgetsTheNextInLine extends Model {
  protected override settle(run: ModelRun): void {
    if (run.state !== 'cancelled') super.settle(run);
  }
}

const patient = { limitMs: 120_000 };

test('a model that is wrong is found out, in the fewest steps that show it, told in words', async () => {
  await using real = await openReal();
  const { difference } = await checkSequences(real, { seed: 29, ...patient }, () => new CountsWhatWasGivenBack());
  assert.ok(difference !== null);
  const [headline, schedule, claim, end, ...differing] = difference.split('\n');
  assert.match(
    headline ?? '',
    /^Store and model differ after 3 steps \(shrunk \d+ times; CLOUDCODE_TEST_SEED=\d+ repeats it\):$/,
  );
  assert.match(schedule ?? '', /^1\. schedule (once|twice|thrice).*: \{"name":"run 1","isNew":true\}$/);
  assert.match(claim ?? '', /^2\. [AB] claims \d.*: \["run 1"\]$/);
  assert.equal(end, '3. attempt 1 of run 1 ends as cancelled: ["queued"]');
  assert.equal(differing.filter((line) => line.startsWith('    store: run 1 of')).length, 1, difference);
  assert.equal(differing.filter((line) => line.startsWith('    model: run 1 of')).length, 1, difference);
});

test('the steps of a shrunk sequence are those that matter, though they lay far apart', async () => {
  await using real = await openReal();
  const { difference } = await checkSequences(real, { seed: 20, ...patient }, () => new ForgetsTheNextInLine());
  assert.ok(difference !== null);
  const steps = difference.split('\n').filter((line) => /^\d+\. /.test(line));
  assert.ok(steps.length <= 4, difference);
  assert.match(
    steps.at(-1) ?? '',
    /^\d\. (cancel run \d: "cancelled"|attempt 1 of run \d ends as .*: \["cancelled"\])$/,
  );
});
