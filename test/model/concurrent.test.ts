import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetMs, chooseSeed } from './budget.ts';
import { checkClients } from './clients.ts';
import { openReal } from './real.ts';

test('several clients at once, whatever they ask: no run is lost, none ends twice, and every queue goes on', async (context) => {
  await using real = await openReal();
  const seed = chooseSeed();
  const checked = await checkClients(real, { seed, limitMs: budgetMs(3_000) });
  context.diagnostic(`seed ${seed}: ${checked.rounds} rounds of clients, ${checked.calls} calls`);
  assert.equal(checked.broken, null, checked.broken ?? '');
});
