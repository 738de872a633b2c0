import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  prints: `export async function run() {
    console.log('one'); console.error('two'); process.stdout.write('three\\n'); console.warn('four %d', 4); process.stderr.write('fi'); process.stderr.write('ve\\n');
    console.debug({ six: 6 }); console.info('se\\nven'); console.table([{ a: 1 }]); process.stdout.write('no newline');
  }`,
  gigabyte: `export async function run() { const line = 'x'.repeat(99); for (let i = 0; i < 300_000; i++) console.log(line); process.stdout.write('y'.repeat(50_000_000)); console.log('the last line'); return 'done'; }`,
  counts: `export async function run({ to }: { to: number }) { for (let i = 1; i <= to; i++) console.log('line ' + i); }`,
  floods: `export async function run() { for (let i = 1; i <= 200_000; i++) console.log('line ' + i); const until = Date.now() + 400; while (Date.now() < until); console.log('the last words'); process.kill(process.pid, 'SIGKILL'); }\nexport const config = { maxAttempts: 1 };`,
  gigabyte_child: `import { execSync } from 'node:child_process';\nexport async function run() { execSync('head -c 200000000 /dev/zero | tr "\\\\0" "x"', { stdio: 'inherit' }); return 'done'; }`,
  pieces: `import { execFileSync, spawn } from 'node:child_process';
    export async function run() {
      const bytes = Buffer.from('Zoë 🐘 日本\\n');
      for (const byte of bytes) process.stdout.write(Buffer.from([byte]));
      for (const byte of bytes) process.stderr.write(Buffer.from([byte]));
      const child = spawn(process.execPath, ['-e', 'process.stdout.write("ab日".repeat(50_000) + "\\\\n")']);
      child.stdout.pipe(process.stdout, { end: false });
      await new Promise((resolve) => child.stdout.once('end', resolve));
      process.stdout.write('5a6fc3ab0a', 'hex');
      process.stdout.write('x'.repeat(16_383) + '🐘\\n');
      process.stdout.write(bytes.subarray(0, 3));
    }`,
  info: `export async function run() { return CloudCode.run; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('console and output are captured line by line, in order, with their levels', async () => {
  const run = await runtime.run('prints');
  const lines = await runtime.store.query<{ level: string; message: string }>({
    name: '',
    text: `select level, message from cloudcode.log_lines where run_id = '${run.id}' order by seq`,
  });
  assert.deepEqual(
    lines.slice(0, 8).map((line) => [line.level, line.message]),
    [
      ['log', 'one'],
      ['error', 'two'],
      ['stdout', 'three'],
      ['warn', 'four 4'],
      ['stderr', 'five'],
      ['debug', '{ six: 6 }'],
      ['info', 'se'],
      ['info', 'ven'],
    ],
  );
  assert.ok(lines.some((line) => line.message === 'no newline'));
});

test('a character of several bytes that comes in pieces is one character', async () => {
  const lines = await runtime.messages(await runtime.run('pieces'));
  const [out, err, child, hex, long, cutOff] = lines;
  assert.deepEqual([out, err, hex, cutOff], ['Zoë 🐘 日本', 'Zoë 🐘 日本', 'Zoë', 'Zo\ufffd']);
  assert.match(child ?? '', /^(ab日)+a?b?… \(\d+ characters\)$/);
  assert.match(long ?? '', /^x{16383}… \(16385 characters\)$/);
});

async function lastMessage(runId: string): Promise<string | undefined> {
  const [last] = await runtime.store.query<{ message: string }>({
    name: '',
    text: `select message from cloudcode.log_lines where run_id = '${runId}' order by seq desc limit 1`,
  });
  return last?.message;
}

for (const task of ['gigabyte', 'gigabyte_child']) {
  test(`output is bounded, and the record says what was cut: ${task}`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.state, 'succeeded');
    const messages = await runtime.messages(run);
    const [size] = await runtime.store.query<{ bytes: number }>({
      name: '',
      text: `select sum(length(message))::integer as bytes from cloudcode.log_lines where run_id = '${run.id}'`,
    });
    assert.ok((size?.bytes ?? 0) <= 1_200_000, String(size?.bytes));
    const [cut] = await runtime.store.query<{ message: string }>({
      name: '',
      text: `select message from cloudcode.log_lines where run_id = '${run.id}' and level = 'system'`,
    });
    assert.match(cut?.message ?? String(messages.length), /were cut/);
    if (task === 'gigabyte') assert.equal(await lastMessage(run.id), 'the last line');
  });
}

for (const to of [5_000, 10_000, 10_001, 12_000, 40_000, 400_000]) {
  test(`of ${to} lines the first and the last 5,000 are kept, and between them it is said how many were left out`, async () => {
    const run = await runtime.run('counts', { parameters: { to } });
    const lines = await runtime.store.query<{ level: string; message: string }>({
      name: '',
      text: `select level, message from cloudcode.log_lines where run_id = '${run.id}' order by seq`,
    });
    const range = (from: number, until: number): string[] =>
      Array.from({ length: until - from + 1 }, (_, index) => `line ${from + index}`);
    const printed = lines.filter(({ level }) => level === 'log').map(({ message }) => message);
    assert.deepEqual(printed, to <= 10_000 ? range(1, to) : [...range(1, 5_000), ...range(to - 4_999, to)]);
    const notes = lines.flatMap(({ level, message }, index) => (level === 'system' ? [[index, message] as const] : []));
    if (to <= 10_000) assert.deepEqual(notes, []);
    else {
      assert.equal(notes.length, 1);
      assert.equal(notes[0]?.[0], 5_000);
      assert.match(
        notes[0][1],
        new RegExp(`^${to - 10_000} lines? .*left out here: an attempt keeps its first and its last 5000 lines`),
      );
    }
  });
}

test('after a flood, what was printed before a crash is there', async () => {
  const run = await runtime.run('floods');
  assert.equal(run.state, 'dead');
  assert.equal(await lastMessage(run.id), 'the last words');
});
