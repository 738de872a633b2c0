import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorFingerprint, type FailedAttempt } from '../../../src/engine/operations/error-fingerprint.ts';

const stack = (message: string, folder = '/home/a/app', line = 3): string =>
  `Error: ${message}
    at Socket.emit (node:events:508:28)
    at parse (file://${folder}/node_modules/parser/index.js:10:11)
    at async read (${folder}/cloudcode/orders/read.ts:${line}:9)
    at async run (${folder}/cloudcode/orders/index.ts:7:3)`;

const thrown = (message: string, more: Partial<FailedAttempt> = {}, trace = stack(message)): string =>
  errorFingerprint({ task: 'orders', outcome: 'threw', error: { name: 'Error', message, stack: trace }, ...more });

const first = thrown('order 17 was refused after 1,204.5 ms');

test('errors that differ by numbers and ids, by the machine and by lines have one fingerprint', () => {
  assert.match(first, /^[0-9a-f]{16}$/);
  for (const same of [
    thrown('order 4 was refused after 3 ms'),
    thrown('order 4 was refused after 3 ms', {}, stack('another', '/srv/.cloudcode/deployments/ab12', 99)),
    thrown('order 4 was refused after 3 ms', {}, stack('x').replaceAll('/', '\\').replaceAll('node:\\', 'node:/')),
  ])
    assert.equal(same, first);
  assert.equal(
    thrown('no user 0192f3aa-7c1e-7abc-8def-0123456789ab in 4f3c2a1b9d8e7f60'),
    thrown('no user ffffffff-7c1e-7abc-8def-0123456789ac in aaaabbbb0000cccc'),
  );
});

test('another task, outcome, name, message or function has another fingerprint', () => {
  const others = [
    thrown('order 17 was refused after 1,204.5 ms', { task: 'invoices' }),
    thrown('order 17 was refused after 1,204.5 ms', { outcome: 'exited' }),
    thrown('order 17 was accepted'),
    errorFingerprint({
      task: 'orders',
      outcome: 'threw',
      error: { name: 'TypeError', message: 'order 17 was refused after 1,204.5 ms', stack: stack('') },
    }),
    thrown('order 17 was refused after 1,204.5 ms', {}, stack('').replace('async read', 'async write')),
    thrown('order 17 was refused after 1,204.5 ms', {}, stack('').replace('read.ts', 'write.ts')),
    errorFingerprint({ task: 'orders', outcome: 'lost', error: null }),
  ];
  assert.equal(new Set([first, ...others]).size, 1 + others.length);
});

test('a long message takes no long time', () => {
  const startedAt = performance.now();
  thrown('1a'.repeat(50_000), {}, `Error\n    at ${'('.repeat(50_000)}`);
  assert.ok(performance.now() - startedAt < 200);
});
