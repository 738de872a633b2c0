import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetMs, chooseSeed } from './budget.ts';
import { checkSequences } from './check-sequences.ts';
import { openReal } from './real.ts';

test('whatever is asked of the store, in whatever order: it answers and holds what the model says', async (context) => {
  await using real = await openReal();
  const seed = chooseSeed();
  const checked = await checkSequences(real, { seed, limitMs: budgetMs(6_000) });
  context.diagnostic(`seed ${seed}: ${checked.sequences} sequences, ${checked.steps} steps`);
  assert.equal(checked.difference, null, checked.difference ?? '');
});
