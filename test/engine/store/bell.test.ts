import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openBell, ringsApartMs } from '../../../src/engine/store/bell.ts';

test('rings that come together, or while a notification is under way, are one notification, a while after the one before; the last ring is told', async () => {
  let sent = 0;
  let answer = Promise.withResolvers<null>();
  const bell = openBell(() => {
    sent += 1;
    return answer.promise;
  });
  const ring = (times: number): void => {
    for (let count = 0; count < times; count += 1) bell.ring();
  };
  // Timers that begin together end in the order of their times, however busy the machine is.
  const almost = delay(ringsApartMs - 1);
  ring(100);
  assert.equal(sent, 1, 'the first at once, the others together');
  const under = answer;
  answer = Promise.withResolvers();
  answer.resolve(null);
  ring(100);
  assert.equal(sent, 1, 'while one is under way');
  under.resolve(null);
  await almost;
  assert.equal(sent, 1, 'until the one before lies long enough back');
  await bell.still();
  assert.equal(sent, 2, 'what was rung after the first was sent is told');
});

test('listeners of this process hear every ring within the call', () => {
  const bell = openBell(() => Promise.resolve());
  let heard = 0;
  bell.onRing(() => (heard += 1));
  bell.ring();
  bell.ring();
  assert.equal(heard, 2);
});

test('a ring after silence is told at once, and a notification that fails holds up none that follow', async () => {
  let sent = 0;
  const bell = openBell(() => {
    sent += 1;
    return Promise.reject(new Error('the database is away'));
  });
  bell.ring();
  assert.equal(sent, 1, 'within the call');
  bell.ring();
  await bell.still();
  assert.equal(sent, 2, 'after the one that failed');
  bell.ring();
  assert.equal(sent, 3, 'within the call');
  await bell.still();
});
