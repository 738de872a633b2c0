import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskerOf } from '../../../src/engine/core/mask.ts';
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

test('a masked value is in no line, wherever the output was cut', () => {
  const secret = 'the secret value of it';
  const half = secret.slice(0, 11);
  const other = secret.slice(11);
  const messagesOf = (write: (output: ReturnType<typeof collectOutput>) => void): readonly string[] => {
    const output = collectOutput(() => undefined, maskerOf([secret]));
    write(output);
    return output.finish().lines.map(({ message }) => message);
  };
  const cases: readonly ((output: ReturnType<typeof collectOutput>) => void)[] = [
    (output) => Array.from(secret).forEach((character) => output.addText('stdout', 0, character)),
    (output) => [...Buffer.from(`ü${secret}\n`)].forEach((byte) => output.addChunk('stderr', Buffer.from([byte]))),
    // Where a line is cut, and where what is kept of it ends.
    (output) => output.addText('log', 0, `${'x'.repeat(16_384 - 5)}${secret}${'x'.repeat(100)}\n`),
    (output) => output.addText('log', 0, `${'x'.repeat(2 * 16_384 - 5)}${secret}\n`),
    // A line that never ends stands before a later one of another stream, and then goes on.
    (output) => {
      output.addText('stdout', 0, `${'x'.repeat(2 * 16_384 - half.length)}${half}`);
      output.addText('log', 1, 'between\n');
      output.addText('stdout', 2, `${other} and more\n`);
    },
    // The worker has left out what was between.
    (output) => {
      output.addText('stdout', 0, `it is ${half}`);
      output.addCut({ lines: 0, bytes: 10 });
      output.addText('stdout', 0, `${other} and more\n`);
    },
  ];
  for (const [number, write] of cases.entries()) {
    const lines = messagesOf(write);
    const text = lines.join('\n');
    assert.match(text, number === 3 ? /x/ : /\*\*\*/, `case ${number}`);
    for (const part of [secret, half, other.slice(0, 8)])
      assert.equal(text.includes(part), false, `${part} in case ${number}: ${text.slice(-200)}`);
  }
});
