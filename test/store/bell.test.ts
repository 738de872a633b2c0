import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openBell, ringsApartMs } from '../../src/store/bell.ts';

test('rings that follow one another closely are merged: their notifications are a while apart, and the last ring is told', async () => {
  const sentAt: number[] = [];
  const bell = openBell(async () => sentAt.push(performance.now()));
  let rungAt = 0;
  for (let count = 0; count < 100; count += 1) {
    rungAt = performance.now();
    bell.ring();
    await delay(1);
  }
  await bell.still();
  const pauses = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0));
  assert.ok(pauses.every((ms) => ms >= ringsApartMs - 1.5), `pauses of ${pauses.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  assert.ok(sentAt.length < 100);
  assert.ok((sentAt.at(-1) ?? 0) >= rungAt, 'what was rung last is told after that');
});

test('a ring after silence is told at once, and a notification that fails holds up none that follow', async () => {
  let sent = 0;
  const bell = openBell(() => {
    sent += 1;
    return Promise.reject(new Error('the database is away'));
  });
  bell.ring();
  assert.equal(sent, 1, 'within the call');
  await bell.still();
  bell.ring();
  assert.equal(sent, 2);
  await bell.still();
});
