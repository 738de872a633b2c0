import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectOutput } from '../../../src/engine/runner/collect-output.ts';

test('a line that never ends stands before a later line of another stream', () => {
  const output = collectOutput(() => undefined);
  output.addText('stdout', 0, 'y'.repeat(100_000));
  output.addText('log', 1, 'the last line\n');
  output.addText('stdout', 2, 'y');
  const messages = output
    .finish()
    .lines.filter(({ level }) => level !== 'system')
    .map(({ message }) => message.slice(0, 13));
  assert.deepEqual(messages, ['y'.repeat(13), 'the last line', 'y']);
});

test('a short line that has not ended yet is not broken by those of other streams', () => {
  const output = collectOutput(() => undefined);
  output.addText('stdout', 0, 'half');
  output.addText('log', 1, 'between\n');
  output.addText('stdout', 2, ' a line\n');
  assert.deepEqual(
    output.finish().lines.map(({ message }) => message),
    ['between', 'half a line'],
  );
});
