import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { maxOwedMs, minNotifyGapMs, openNotifier } from '../../../src/engine/store/notifier.ts';

test('notifications that come together, or while a notification is under way, are sent as one, a while after the one before; the last is sent', async () => {
  let sent = 0;
  let answer = Promise.withResolvers<boolean>();
  const notifier = openNotifier(() => {
    sent += 1;
    return answer.promise;
  });
  const ring = (times: number): void => {
    for (let count = 0; count < times; count += 1) notifier.notify();
  };
  // Timers that begin together end in the order of their times, however busy the machine is.
  const almost = delay(minNotifyGapMs - 1);
  ring(100);
  assert.equal(sent, 1, 'the first at once, the others together');
  const under = answer;
  answer = Promise.withResolvers();
  answer.resolve(true);
  ring(100);
  assert.equal(sent, 1, 'while one is under way');
  under.resolve(true);
  await almost;
  assert.equal(sent, 1, 'until the one before lies long enough back');
  await notifier.flush();
  assert.equal(sent, 2, 'what was asked for after the first was sent is told');
});

test('listeners of this process hear every notification within the call', () => {
  const notifier = openNotifier(() => Promise.resolve(true));
  let heard = 0;
  notifier.onNotify(() => (heard += 1));
  notifier.notify();
  notifier.notify();
  assert.equal(heard, 2);
});

test('a notification after silence is sent at once, and a notification that fails holds up none that follow', async () => {
  let sent = 0;
  const notifier = openNotifier(() => {
    sent += 1;
    return Promise.reject(new Error('the database is away'));
  });
  notifier.notify();
  assert.equal(sent, 1, 'within the call');
  notifier.notify();
  await notifier.flush();
  assert.equal(sent, 2, 'after the one that failed');
  notifier.notify();
  assert.equal(sent, 3, 'within the call');
  await notifier.flush();
});

test('what is not sent because of what waits is sent a second after the last one, and before the end', async () => {
  const sent: boolean[] = [];
  const notifier = openNotifier((isForced) => {
    sent.push(isForced);
    return Promise.resolve(isForced || sent.length === 1);
  });
  notifier.notify();
  await notifier.flush();
  const rested = delay(maxOwedMs + 1);
  for (let count = 0; count < 3; count += 1) {
    notifier.notify();
    await delay(2 * minNotifyGapMs);
  }
  const before = sent.length;
  assert.ok(before >= 2 && !sent.slice(1).includes(true), 'it waits');
  // Timers that begin together end in the order of their times.
  await rested;
  await until(10_000, 'it is sent', () => sent.includes(true) || null);
  notifier.notify();
  await delay(2 * minNotifyGapMs);
  assert.equal(sent.at(-1), false);
  await notifier.flush();
  assert.equal(sent.at(-1), true, 'before the end nothing is owed');
});
