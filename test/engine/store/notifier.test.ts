import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openNotifier, minNotifyGapMs } from '../../../src/engine/store/notifier.ts';

test('notifications that come together, or while a notification is under way, are sent as one, a while after the one before; the last is sent', async () => {
  let sent = 0;
  let answer = Promise.withResolvers<null>();
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
  answer.resolve(null);
  ring(100);
  assert.equal(sent, 1, 'while one is under way');
  under.resolve(null);
  await almost;
  assert.equal(sent, 1, 'until the one before lies long enough back');
  await notifier.flush();
  assert.equal(sent, 2, 'what was asked for after the first was sent is told');
});

test('listeners of this process hear every notification within the call', () => {
  const notifier = openNotifier(() => Promise.resolve());
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
