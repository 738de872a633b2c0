import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { readStat } from '../../../src/engine/runner/containment/proc-files.ts';
import { startRuntime, type Runtime } from '../../support/runtime.ts';

// Each run looks at what another could have left, then leaves it.
const tasks: Record<string, string> = {
  leaves: `
    import { openSync, readdirSync, readlinkSync } from 'node:fs';
    import http from 'node:http';
    import { createServer } from 'node:net';
    import path from 'node:path';
    const here = globalThis as Record<string, unknown>;
    export async function run({ round }: { round: number }) {
      const found = {
        global: here.left, module: (path as any).left, prototype: ({} as any).left, array: [].flat.name, promise: (Promise.prototype as any).left,
        variable: process.env.LEFT, cwd: process.cwd().endsWith('/tmp'), title: process.title, umask: process.umask(),
        open: readdirSync('/proc/self/fd').filter((name) => { try { return readlinkSync('/proc/self/fd/' + name) === '/etc/passwd'; } catch { return false; } }).length,
        listeners: process.listenerCount('left'), exits: process.listenerCount('exit'), agent: http.globalAgent.maxSockets, exec: process.execArgv.length, cache: Object.keys(require.cache ?? {}).length,
        preload: process.env.LD_PRELOAD, stackLimit: Error.stackTraceLimit, argv: process.argv.length,
      };
      here.left = round; (path as any).left = round; (Object.prototype as any).left = round; (Array.prototype as any).flat = function changed() {}; (Promise.prototype as any).left = 1;
      process.env.LEFT = String(round); process.chdir('/tmp'); process.title = 'left'; process.umask(0o077);
      openSync('/etc/passwd', 'r'); process.on('left', () => undefined); process.on('exit', () => undefined); http.globalAgent.maxSockets = 1; process.execArgv.push('left'); Error.stackTraceLimit = 99; process.argv.push('left');
      await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', () => resolve()));
      return found;
    }`,
  kills: `export async function run() { process.kill(process.pid); await new Promise((resolve) => setTimeout(resolve, 5_000)); }`,
  identity: `
    import { readFileSync } from 'node:fs';
    import { execFileSync } from 'node:child_process';
    export async function run() {
      const environ = readFileSync('/proc/self/environ', 'latin1');
      return {
        pid: process.pid, ppid: process.ppid, title: process.title.split('/').at(-1), shell: Number(execFileSync('sh', ['-c', 'echo $PPID'])),
        same: environ.includes('CLOUDCODE_ATTEMPT=' + process.env.CLOUDCODE_ATTEMPT + '\\0'), attempt: process.env.CLOUDCODE_ATTEMPT,
        child: execFileSync('sh', ['-c', 'echo $CLOUDCODE_ATTEMPT$LD_PRELOAD']).toString().trim(), sinceOrigin: performance.timeOrigin + performance.now() - Date.now(),
      };
    }`,
  clock: `
    import { readFileSync } from 'node:fs';
    const bootMs = () => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000;
    export async function run() {
      const { startTime } = performance.mark('now');
      const started = { origin: bootMs() - performance.now(), uptime: bootMs() - process.uptime() * 1000, mark: bootMs() - startTime, event: bootMs() - new Event('now').timeStamp, wall: performance.timeOrigin - Date.now() + bootMs() };
      const { nodeStart, bootstrapComplete } = performance.nodeTiming;
      return { pid: process.pid, startedMs: 10 * Number(readFileSync('/proc/self/stat', 'latin1').split(' ')[21]), started, steps: [nodeStart, bootstrapComplete] };
    }`,
  signals: `
    export async function run() {
      process.kill(process.pid, 'SIGUSR1');
      const heard = new Promise((resolve) => process.on('SIGUSR1', resolve));
      const again = setInterval(() => process.kill(process.pid, 'SIGUSR1'), 50);
      const signal = await heard;
      clearInterval(again);
      return signal;
    }`,
  compiles: `
    import { compileFunction } from 'node:vm';
    import { getHeapStatistics } from 'node:v8';
    export async function run() {
      const text = Array.from({ length: 2000 }, (_, n) => 'function f' + n + '(a, b) { if (a > b) { return [a, b].map((x) => x * ' + n + ' + a).join(); } return { a, b, c: ' + n + ' }; }').join('\\n');
      const before = getHeapStatistics().used_heap_size;
      compileFunction(text)();
      return { bytes: getHeapStatistics().used_heap_size - before, flags: process.execArgv };
    }`,
  waits: `export async function run() { console.log(String(process.pid)); console.log('waiting'); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(
    { ...tasks, 'cloudcode.config.ts': 'export default { defaults: { maxAttempts: 1 } }' },
    { workerStart: 'fork', concurrency: 4 },
  );
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 5, forked: nothing that one run leaves is seen by another', async () => {
  const first = await runtime.run('leaves', { parameters: { round: 0 } });
  assert.equal(first.state, 'succeeded', JSON.stringify(first.error));
  const others = await Promise.all([1, 2, 3, 4, 5, 6].map((round) => runtime.run('leaves', { parameters: { round } })));
  for (const other of others) assert.deepEqual([other.state, other.result], ['succeeded', first.result]);
  const found = first.result as Record<string, unknown>;
  assert.deepEqual(
    [
      found['global'],
      found['variable'],
      found['open'],
      found['cwd'],
      found['array'],
      found['preload'],
      found['exec'],
      found['argv'],
    ],
    [undefined, undefined, 0, false, 'flat', undefined, 2, 2],
  );
});

test('promise 5, forked: a worker is who it says it is', async () => {
  const run = await runtime.run('identity');
  const found = run.result as Record<string, unknown>;
  assert.equal(found['pid'], run.attempts[0]?.pid);
  assert.deepEqual(
    [found['shell'], found['same'], found['child'], found['title']],
    [found['pid'], true, found['attempt'], 'node'],
  );
  assert.ok(
    Math.abs(Number(found['sinceOrigin'])) < 1000,
    'performance.timeOrigin and performance.now belong together',
  );
});

test('promise 5, forked: a task that kills its own process kills no other', async () => {
  const killed = await runtime.run('kills');
  assert.deepEqual([killed.attempts[0]?.outcome, killed.attempts[0]?.signal], ['killed', 'SIGTERM']);
  assert.equal((await runtime.run('identity')).state, 'succeeded');
});

test('promise 5, forked: every clock of a worker begins when it was forked', async () => {
  const { startedMs, started, steps } = (await runtime.run('clock')).result as {
    startedMs: number;
    started: Record<string, number>;
    steps: number[];
  };
  // /proc counts in hundredths of a second. The fork server began seconds before.
  for (const [clock, beganMs] of Object.entries(started))
    assert.ok(beganMs > startedMs - 100, `by ${clock} it began ${startedMs - beganMs} ms before`);
  assert.deepEqual(steps, [0, 0]);
});

test('promise 5, forked: SIGUSR1 goes to whoever listens for it, and harms nobody else', async () => {
  const run = await runtime.run('signals');
  assert.deepEqual([run.state, run.result], ['succeeded', 'SIGUSR1']);
});

test('a forked worker compiles only what a task calls, and does not show the flags of its server', async () => {
  const { bytes, flags } = (await runtime.run('compiles')).result as { bytes: number; flags: string[] };
  // 100 KB are the functions themselves; 440 KB if all were compiled.
  assert.ok(bytes < 250_000, `the heap grew by ${bytes} bytes`);
  assert.deepEqual(
    flags.filter((flag) => !/^--(?:max-old-space-size|inspect-port)=/.test(flag)),
    [],
  );
});

test('promise 5, forked: a worker shares nothing with the fork server by which one could disturb the other', async () => {
  const waiting = await runtime.schedule('waits');
  await runtime.printed(waiting, 'waiting');
  const pid = Number((await runtime.messages(waiting))[0]);
  const server = readStat(pid)?.ppid ?? 0;
  // What whoever started the tests left open is everywhere.
  const left = filesOf(process.pid);
  const shared = new Set(
    filesOf(server).filter((file) => !left.includes(file) && /^(?:socket|pipe|anon_inode:\[pidfd\])/.test(file)),
  );
  assert.deepEqual(
    filesOf(pid).filter((file) => shared.has(file)),
    [],
  );
  // They are all called the same, and hold memory that a fork shares.
  assert.deepEqual(
    [server, pid].flatMap(filesOf).filter((file) => file === 'anon_inode:[io_uring]'),
    [],
  );
});

function filesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((file) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${file}`);
    } catch {
      return []; // closed meanwhile, as that of the folder itself
    }
  });
}
