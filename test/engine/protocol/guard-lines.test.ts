import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineSplitter, parseGuardLine, parseGuardReport } from '../../../src/engine/protocol/guard-lines.ts';

test('a guard knows the lines of its runner, and a runner those of its guard', () => {
  assert.deepEqual(parseGuardLine('end'), { kind: 'end' });
  assert.deepEqual(parseGuardLine('hold 4711'), { kind: 'hold', deadline: 4711 });
  assert.deepEqual(parseGuardReport('ready'), { kind: 'ready' });
  const workerId = '6a1f1a52-6a0c-4d27-9f0e-0d7d1f6f2f11';
  assert.deepEqual(parseGuardLine(`kill ${workerId} worker-12`), { kind: 'kill', workerId, folder: 'worker-12' });
  assert.deepEqual(parseGuardLine(`kill ${workerId} `), { kind: 'kill', workerId, folder: null });
  assert.deepEqual(parseGuardReport('holding 4711'), { kind: 'holding', deadline: 4711 });
  assert.deepEqual(parseGuardReport('trouble EMFILE: too many open files'), {
    kind: 'trouble',
    why: 'EMFILE: too many open files',
  });
});

test('anything else means nothing, above all no deadline', () => {
  for (const line of [
    '',
    'ending',
    'hold',
    'hold ',
    'hold x',
    'hold 12 13',
    'hold -5',
    'hold 1.5',
    'hold 1e9',
    `hold ${'9'.repeat(16)}`,
    'holding 5',
    'ready',
    'kill',
    'kill all',
    `kill ${'a'.repeat(36)} ../other`,
  ]) {
    assert.equal(parseGuardLine(line), null, line);
  }
  for (const line of ['', 'readying', 'holding', 'holding soon', 'hold 5'])
    assert.equal(parseGuardReport(line), null, line);
});

test('lines arrive whole, however the pipe cuts them; one without end is dropped', () => {
  const lines: string[] = [];
  const onText = lineSplitter((line) => lines.push(line));
  for (const text of ['hol', 'd 1', '23\nend', '\n', 'x'.repeat(2_000), '\nhold 5\n']) onText(text);
  assert.deepEqual(lines, ['hold 123', 'end', '', 'hold 5']);
});
