import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CloudCodeError } from '../../src/engine/core/errors.ts';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const load = `import { createRequire } from 'node:module';\nconst load = createRequire(${JSON.stringify(join(packageRoot, 'package.json'))});`;
const twenty = 'for (let i = 1; i <= 20; i++) log.info(`line ${i}`);';
const files: Record<string, string> = {
  pino: `${load}\nexport async function run() { const log = load('pino')(); ${twenty} return 'done'; }`,
  pino_transport: `${load}\nexport async function run() { const log = load('pino')({ transport: { target: 'pino/file', options: { destination: 1 } } }); ${twenty} return 'done'; }`,
  listens: `import { createWriteStream, writeFileSync } from 'node:fs';
    export async function run({ file }: { file: string }) {
      process.on('exit', (code) => { console.log('exit ' + code); writeFileSync(file + '.exit', 'there'); process.stdout.write('no newline'); });
      process.on('beforeExit', () => console.log('beforeExit'));
      const stream = createWriteStream(file);
      for (let i = 0; i < 2000; i++) stream.write('x'.repeat(1000));
      return 'done';
    }`,
  begins_more: `export async function run() {
      let isFirst = true;
      process.on('beforeExit', () => { if (isFirst) setTimeout(() => console.log('later'), 20); isFirst = false; console.log('beforeExit'); });
      return 'done';
    }`,
  stays_alive: `import { createServer } from 'node:net';
    export async function run() {
      setInterval(() => undefined, 1000); createServer().listen(0);
      process.on('beforeExit', () => console.log('beforeExit')); process.on('exit', () => console.log('exit'));
      return 'done';
    }`,
  throws: "export async function run() { process.on('exit', () => { throw new Error('too late'); }); return 'done'; }",
  throws_before:
    "export async function run() { process.on('beforeExit', () => { throw new Error('too late'); }); process.on('exit', () => console.log('exit')); return 'done'; }",
  exits:
    "export async function run() { let n = 0; process.on('exit', () => { n++; console.log('exit ' + n); process.exit(3); }); return 'done'; }",
  exits_before:
    "export async function run() { process.on('beforeExit', () => process.exit(3)); process.on('exit', (code) => console.log('exit ' + code)); return 'done'; }",
  crashes:
    "export async function run() { process.on('exit', () => { console.log('last'); process.kill(process.pid, 'SIGKILL'); for (;;); }); return 'done'; }",
  rejects:
    "export async function run() { process.on('beforeExit', () => void Promise.reject(new Error('nobody handles it'))); return 'done'; }",
  hangs:
    "export async function run() { process.on('exit', () => { console.log('hangs'); for (;;); }); throw new Error('the answer'); }",
  never_idle:
    "export async function run() { process.on('beforeExit', () => setTimeout(() => undefined, 100)); process.on('exit', () => console.log('exit')); return 'done'; }",
  patches:
    "export async function run() { const { emit } = process; process.emit = function (this: unknown, name: string, ...args: unknown[]) { if (name === 'exit') console.log('seen'); return Reflect.apply(emit, process, [name, ...args]); } as typeof process.emit; return 'done'; }",
  asks: `export async function run() {
      process.on('beforeExit', async () => {
        for (const ask of [() => CloudCode.scheduleTask({ task: 'asks' }), () => DB.item.create({ n: 2 }).save(), () => DB.item.all().count()]) await ask().then(() => console.log('done'), (error: Error & { code?: string }) => console.log(JSON.stringify([error.code, error.message])));
      });
      await DB.item.create({ n: 1 }).save();
      return 'done';
    }`,
  overlaps: `import { existsSync, rmSync, writeFileSync } from 'node:fs';
    export async function run({ file }: { file: string }) {
      const isEnding = existsSync(file);
      process.on('exit', () => { const until = Date.now() + 500; while (Date.now() < until); rmSync(file); });
      writeFileSync(file, '');
      return isEnding;
    }`,
  counts: 'export async function run() { return DB.item.all().count(); }',
  'schema.xml': '<data-model><model name="item"><field name="n" type="integer"/></model></data-model>',
};

test('promise 3: a runner that stops while a process ends stores the answer, and gives nothing back', async () => {
  await using runtime = await startRuntime({ hangs: files['hangs'] ?? '' });
  const run = await runtime.schedule('hangs');
  await runtime.printed(run, 'hangs');
  await runtime.runner.stop({ drainMs: 0 });
  const { state, attempts } = await getRun(runtime.store, 'testing', run.id);
  assert.deepEqual([state, attempts.map(({ outcome }) => outcome)], ['failed', ['threw']]);
});

for (const workerStart of ['spawn', 'fork'] as const) {
  describe(
    `a worker that was started by ${workerStart}`,
    { skip: workerStart === 'fork' && process.platform !== 'linux' },
    () => {
      let runtime: Runtime;
      before(async () => {
        runtime = await startRuntime(files, { workerStart });
      });
      after(async () => {
        await runtime[Symbol.asyncDispose]();
      });
      const endOf = async (
        task: string,
      ): Promise<{
        readonly state: string;
        readonly result: unknown;
        readonly outcome: unknown;
        readonly exitCode: unknown;
        readonly lines: readonly string[];
      }> => {
        const run = await runtime.run(task);
        const [attempt, ...more] = run.attempts;
        assert.deepEqual(more, []);
        return {
          state: run.state,
          result: run.result,
          outcome: attempt?.outcome,
          exitCode: attempt?.exitCode,
          lines: await runtime.messages(run),
        };
      };

      for (const task of ['pino', 'pino_transport']) {
        test(`${task}: every line that was logged before \`run\` returned is in the run's console`, async () => {
          const { state, lines } = await endOf(task);
          assert.equal(state, 'succeeded');
          assert.deepEqual(
            lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
            Array.from({ length: 20 }, (_, index) => `line ${index + 1}`),
          );
        });
      }

      test('what was being written is written, then `beforeExit` and `exit` are told, and what they print is in the console', async () => {
        const file = join(runtime.folder, `written-${workerStart}`);
        const run = await runtime.run('listens', { parameters: { file } });
        assert.equal(run.state, 'succeeded');
        assert.deepEqual(await runtime.messages(run), ['beforeExit', 'exit 0', 'no newline']);
        assert.equal(readFileSync(file).length, 2_000_000);
        assert.equal(existsSync(`${file}.exit`), true);
      });

      for (const [task, expected] of [
        ['begins_more', ['beforeExit', 'later', 'beforeExit']],
        ['stays_alive', ['exit']],
        ['patches', ['seen']],
        ['never_idle', ['exit']],
      ] as const) {
        test(`\`beforeExit\` and \`exit\` are told as Node tells them: ${task}`, async () => {
          const { state, lines } = await endOf(task);
          assert.deepEqual([state, lines], ['succeeded', expected]);
        });
      }

      for (const [task, code, expected] of [
        ['throws', 0, /^Error: too late/],
        ['throws_before', 0, /^Error: too late.*exit$/s],
        ['exits', 3, /^exit 1$/],
        ['exits_before', 3, /^exit 3$/],
        ['crashes', null, /^last$/],
        ['rejects', 1, /nobody handles it/],
      ] as const) {
        test(`promise 3: the answer stands whatever happens in the orderly end: ${task}`, async () => {
          const { state, result, outcome, exitCode, lines } = await endOf(task);
          assert.deepEqual([state, result, outcome, exitCode], ['succeeded', 'done', 'returned', code]);
          assert.match(lines.join('\n'), expected);
        });
      }

      test('promise 3: an orderly end that does not come to its end is cut off, and the answer stands', async () => {
        const run = await runtime.run('hangs');
        assert.deepEqual(
          [run.state, run.error?.message, run.attempts[0]?.outcome, run.attempts[0]?.signal],
          ['failed', 'the answer', 'threw', 'SIGKILL'],
        );
        assert.deepEqual(await runtime.messages(run), ['hangs']);
      });

      test('promise 3: cancelling a run that has answered, while its process ends, leaves its answer', async () => {
        const run = await runtime.schedule('hangs');
        await runtime.printed(run, 'hangs');
        // It may be over by now.
        await cancelRun(runtime.store, 'testing', run.id).catch((error: unknown) =>
          assert.equal((error as CloudCodeError).code, 'run_already_final'),
        );
        const { state, error, attempts } = await runtime.ended(run);
        assert.deepEqual(
          [state, error?.message, attempts.map(({ outcome }) => outcome)],
          ['failed', 'the answer', ['threw']],
        );
      });

      test('promise 1: the next run of a queue begins when the orderly end of the one before is over', async () => {
        const options = { queue: 'one', parameters: { file: join(runtime.folder, `ending-${workerStart}`) } };
        const runs = [await runtime.schedule('overlaps', options), await runtime.schedule('overlaps', options)];
        assert.deepEqual(await Promise.all(runs.map(async (run) => (await runtime.ended(run)).result)), [false, false]);
      });

      test('`DB` and `scheduleTask` refuse in the orderly end, and say why', async () => {
        const { state, lines } = await endOf('asks');
        assert.equal(state, 'succeeded');
        const refused = lines.map((line) => JSON.parse(line) as readonly [string, string]);
        assert.deepEqual(
          refused.map(([code]) => code),
          ['run_answered', 'run_answered', 'run_answered'],
        );
        for (const [, message] of refused)
          assert.match(message, /`run` has returned or thrown.*Await what they are to do/);
        assert.equal((await runtime.run('counts')).result, 1);
      });
    },
  );
}
