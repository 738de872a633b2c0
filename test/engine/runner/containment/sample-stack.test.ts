import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, setPriority } from 'node:os';
import { describe, it } from 'node:test';
import { isInspectorNotice, sampleStack } from '../../../../src/engine/runner/sample-stack.ts';
import { exitOf } from './processes.ts';

/** What it says when it is doing what it is asked about: before that, it waits for a timer. */
const up = 'require("node:fs").writeSync(1, "up");';

describe('what a worker was doing when its time ran out', () => {
  it('a busy loop: the stack, from the innermost function outwards', async () => {
    const { stack } = await sample(
      `function inner() { ${up} for (;;); } function outer() { inner(); } setTimeout(outer, 1);`,
    );
    assert.match(stack ?? '', /^ {4}at inner \(\[eval\]:\d+:\d+\)\n {4}at .*outer.* \(\[eval\]:\d+:\d+\)\n/);
  });

  it('the stack is written by the worker itself, so with the source map of its bundle', async () => {
    const { stack } = await sample(
      `Error.prepareStackTrace = (error, frames) => [String(error), ...frames.map((frame) => "    at mapped " + frame)].join("\\n"); setTimeout(() => { ${up} for (;;); }, 1);`,
    );
    assert.match(stack ?? '', /^ {4}at mapped /);
  });

  it('also when the task has broken Error', async () => {
    const { stack } = await sample(`globalThis.Error = null; setTimeout(function spin() { ${up} for (;;); }, 1);`);
    assert.match(stack ?? '', /^ {4}at spin \(\[eval\]:\d+:\d+\)/);
  });

  it('a deep recursion: bounded', async () => {
    const { stack } = await sample(
      `function deep(n) { if (n === 0) { ${up} for (;;); } deep(n - 1); } setTimeout(deep, 1, 500);`,
    );
    assert.equal(stack?.split('\n').length, 50);
  });

  it('nothing but waiting: for what', async () => {
    const { stack } = await sample(
      'setTimeout(() => {}, 300_000); require("net").createServer().listen(0, "127.0.0.1");',
    );
    assert.equal(stack, 'No JavaScript was running: the task was waiting for TCPServerWrap, Timeout.');
  });

  it('null when the task has taken over SIGUSR1, in time', async () => {
    const { stack, tookMs } = await sample('process.on("SIGUSR1", () => {}); setTimeout(() => {}, 300_000);', {
      patience: inTime,
    });
    assert.equal(stack, null);
    assert.ok(tookMs < 1_500, `${tookMs} ms`);
  });

  it('null when it sits in native code, in time', async () => {
    const { stack, tookMs } = await sample(
      `setTimeout(() => require("child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(`${up} setTimeout(() => {}, 2000)`)}], { stdio: "inherit" }), 1);`,
      { patience: inTime },
    );
    assert.equal(stack, null);
    assert.ok(tookMs < 1_500, `${tookMs} ms`);
  });

  it('a busy loop that hardly gets to run: its stack, and never that no JavaScript was running', async () => {
    const patience = { timeoutMs: 30_000, maxMs: 30_000 };
    const samples = await Promise.all(
      Array.from({ length: 6 }, () => sample(spinning, { patience, meanwhile: runsSeldom })),
    );
    for (const { stack } of samples) assert.match(stack ?? '', /at .*spin.* \(\[eval\]:1:\d+\)/);
  });

  it('a busy loop beside many others: what it waits for a processor does not count', async () => {
    const patience = { ...asTheRunner, maxMs: 60_000 };
    const { stack } = await sample(spinning, { patience, meanwhile: besideOthers });
    assert.match(stack ?? '', /at .*spin.* \(\[eval\]:1:\d+\)/);
  });

  it('null when the process is gone', async () => {
    const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    await exitOf(child);
    assert.equal(
      await sampleStack({ pid: child.pid ?? 0, onStderr: () => () => undefined, timeoutMs: 500, maxMs: 500 }),
      null,
    );
  });

  it('an address that the task made up leads nowhere', async () => {
    const made = 'Debugger listening on ws://127.0.0.1:1/00000000-0000-4000-8000-000000000000\\n';
    const { stack } = await sample(
      `process.on("SIGUSR1", () => process.stderr.write("${made}")); setTimeout(() => {}, 300_000);`,
    );
    assert.equal(stack, null);
  });

  it('what the inspector writes to standard error can be told from what the task writes', async () => {
    const { errorText } = await sample('setTimeout(() => {}, 300_000);');
    const lines = errorText.split('\n').filter(Boolean);
    assert.ok(lines.length >= 3, errorText);
    assert.deepEqual(
      lines.filter((line) => !isInspectorNotice(line)),
      [],
    );
    for (const line of ['', 'Debugger', 'For help, see: our wiki', 'Debugger listening on my heart'])
      assert.ok(!isInspectorNotice(line), line);
  });
});

const spinning = `setTimeout(function spin() { ${up} for (;;); }, 1);`;

interface Sampling {
  readonly patience?: { readonly timeoutMs: number; readonly maxMs: number };
  /** What goes on with the process meanwhile. */
  readonly meanwhile?: (child: ChildProcess) => Disposable;
}

const asTheRunner = { timeoutMs: 1_000, maxMs: 5_000 };
const inTime = { timeoutMs: 1_000, maxMs: 1_000 };
const nothing = (): Disposable => ({ [Symbol.dispose]: () => undefined });

/** It runs for 1 ms of 260. */
function runsSeldom(child: ChildProcess): Disposable {
  let timer: NodeJS.Timeout;
  const stop = (): void => {
    child.kill('SIGSTOP');
    timer = setTimeout(go, 260);
  };
  const go = (): void => {
    child.kill('SIGCONT');
    timer = setTimeout(stop, 1);
  };
  stop();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** All processors are busy, with what comes before it. */
function besideOthers(child: ChildProcess): Disposable {
  const others = Array.from({ length: 3 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'require("node:os").setPriority(5); for (;;);'], { stdio: 'ignore' }),
  );
  setPriority(child.pid ?? 0, 19);
  return { [Symbol.dispose]: () => others.forEach((other) => other.kill('SIGKILL')) };
}

async function sample(code: string, { patience = asTheRunner, meanwhile = nothing }: Sampling = {}) {
  const script = code.includes('writeSync') ? code : `${code}\n${up}`;
  const child = spawn(process.execPath, ['--inspect-port=127.0.0.1:0', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    await once(child.stdout, 'data');
    let errorText = '';
    child.stderr.on('data', (piece: Buffer) => (errorText += piece.toString()));
    const onStderr = (listener: (text: string) => void) => {
      const onData = (piece: Buffer): void => listener(piece.toString());
      child.stderr.on('data', onData);
      return () => child.stderr.off('data', onData);
    };
    using _ = meanwhile(child);
    const start = performance.now();
    const stack = await sampleStack({ pid: child.pid ?? 0, onStderr, ...patience });
    return { stack, errorText, tookMs: performance.now() - start };
  } finally {
    child.kill('SIGKILL');
    await exitOf(child);
  }
}
