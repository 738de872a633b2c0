import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { deployable } from '../../src/main/deployable.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { startRunnerProcess } from '../support/runner-process.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const repository = path.join(import.meta.dirname, '..', '..');
const example = path.join(repository, 'examples', 'invoices');

interface Charge {
  readonly number: string;
}
interface PaymentService {
  readonly url: string;
  readonly charges: readonly Charge[];
  close(): void;
}
const { startPaymentService } = (await import(path.join(example, 'src', 'payment-service.mjs'))) as {
  startPaymentService: () => Promise<PaymentService>;
};

/** The files of the example as a test's project takes them. */
function filesOfExample(): Readonly<Record<string, string>> {
  const names: readonly string[] = globSync(
    ['schema.xml', 'cloudcode.config.ts', 'cloudcode/**/*.{ts,js}', 'src/*.ts'],
    { cwd: example },
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(example, name), 'utf8')]));
}

/** The places in `perform` before which it can be killed: each of its statements, and its end. */
function killableLines(source: string): readonly number[] {
  const lines = source.split('\n');
  const from = lines.findIndex((line) => line.startsWith('export async function run'));
  return lines.flatMap((line, index) =>
    index > from && /^ +(let|taskstate\.|await|console|const|batch\.|return)/.test(line) ? [index] : [],
  );
}

/**
 * `perform` under another name, killed before one of its lines in the first attempt that comes there. On the way to the `catch` the first charge fails; on
 * the way to what finds `started` or `complete` an attempt is killed before or after it.
 */
function killedBefore(
  source: string,
  line: number,
  { name, kill }: { readonly name: string; readonly kill: string },
): string {
  const lines = source.replaceAll("task: 'perform'", `task: '${name}'`).split('\n');
  const lineOf = (text: string): number => lines.findIndex((each) => each.includes(text));
  const once = (mark: string, what: string): string =>
    `if (await (await import('../../src/first.ts')).isFirst('${mark}')) ${what};`;
  const [completed, started, charge, failed, resume] = [
    'already completed',
    'started previously',
    'await charge(',
    'catch (error)',
    'function resume',
  ].map(lineOf);
  const charged = lineOf('await isCharged(');
  const isCharged = line > charged && line <= lineOf('return;');
  const ways: readonly (readonly [isOnIt: boolean, from: number | undefined, what: string])[] = [
    [line === completed, failed, kill],
    [isCharged, (charge ?? 0) + 1, kill],
    [line === started || line === (started ?? 0) + 1 || (line > (resume ?? 0) && !isCharged), charge, kill],
    [line > (failed ?? 0) && line < (resume ?? 0), charge, "throw new Error('out of order')"],
  ];
  const inserted = [
    [line, once(name, kill)] as const,
    ...ways.flatMap(([isOnIt, from = 0, what]) => (isOnIt ? [[from, once(`way_to_${name}`, what)] as const] : [])),
  ];
  return inserted
    .toSorted(([a], [b]) => b - a)
    .reduce((text, [at, statement]) => text.toSpliced(at, 0, statement), lines)
    .join('\n');
}

// Whether this place was never come to: noted on disk, because the process is killed right after.
const first = `import { writeFileSync } from 'node:fs';
export async function isFirst(name: string) {
  try { writeFileSync(process.env.MARKS + '/' + name, '', { flag: 'wx' }); return true; } catch { return false; }
}`;

const killWorker = "process.kill(process.pid, 'SIGKILL')";
const killRunner = "(process.kill(process.ppid, 'SIGKILL'), await new Promise(() => setInterval(() => {}, 1000)))";

const seed = `export async function run({ task, number }: { task: string; number: string }) {
  const invoice = DB.invoice.create({ number, cents: 100 });
  const taskstate = DB.taskstate.create({ tries_remaining: 3, invoice });
  const batch = new DB.Batch();
  batch.save(invoice);
  batch.save(taskstate);
  batch.scheduleTask({ task, parameters: { state_id: taskstate.id } });
  await batch.execute();
}`;

describe('the invoices example, killed at every step', { timeout: 300_000 }, () => {
  const files = filesOfExample();
  const perform = files['cloudcode/perform/index.js'] ?? '';
  const lines = killableLines(perform);
  const marks = mkdtempSync(path.join(tmpdir(), 'cloudcode-marks-'));
  let service: PaymentService;
  let runtime: Runtime;
  const url = process.env['PAYMENT_URL'];
  before(async () => {
    service = await startPaymentService();
    process.env['PAYMENT_URL'] = service.url;
    const variants = lines.map(
      (line) =>
        [
          `cloudcode/at_${line}/index.js`,
          killedBefore(perform, line, { name: `at_${line}`, kill: killWorker }),
        ] as const,
    );
    const config = (files['cloudcode.config.ts'] ?? '').replace(
      'PAYMENT_URL:',
      `MARKS: ${JSON.stringify(marks)}, PAYMENT_URL:`,
    );
    runtime = await startRuntime({
      ...files,
      ...Object.fromEntries(variants),
      'cloudcode.config.ts': config,
      'src/first.ts': first,
      seed,
    });
  });
  after(async () => {
    await runtime[Symbol.asyncDispose]();
    service.close();
    rmSync(marks, { recursive: true, force: true });
    if (url === undefined) delete process.env['PAYMENT_URL'];
    else process.env['PAYMENT_URL'] = url;
  });

  it('finds the steps of the pattern', () => {
    assert.ok(lines.length >= 18, `${lines.length} places`);
  });

  it('the worker: each invoice is charged once and complete in the end, and no run is lost', async () => {
    // The service fails for every third invoice that asks it, so both ways through the pattern are gone; two invoices a place.
    const numbers = lines.flatMap((line) => [`a-${line}`, `b-${line}`, `c-${line}`]);
    for (const number of numbers)
      assert.equal(
        (await runtime.run('seed', { parameters: { task: `at_${number.slice(2)}`, number } })).state,
        'succeeded',
      );
    await everythingOver(runtime);
    const states = await runtime.store.query<{ number: string; status: string }>({
      name: '',
      text: 'select i.number, t.status from cloudcode_testing.taskstate t join cloudcode_testing.invoice i on i.id = t.invoice_id',
    });
    assert.deepEqual(
      new Map(states.map(({ number, status }) => [number, status])),
      new Map(numbers.map((number) => [number, 'complete'])),
    );
    assert.deepEqual(service.charges.map(({ number }) => number).toSorted(), numbers.toSorted());
    for (const line of lines)
      assert.ok(
        existsSync(path.join(marks, `at_${line}`)),
        `it was killed before ${perform.split('\n')[line]?.trim()}`,
      );
  });

  it('the runner, in the middle of perform: another one goes on, and each invoice is charged once', async () => {
    const source = perform.split('\n');
    const steps = ['await charge(', "status = 'complete'"].map((text) =>
      source.findIndex((line) => line.includes(text)),
    );
    await runtime.runner.stop();
    for (const line of steps) {
      const name = `runner_${line}`;
      const { folder, store } = runtime;
      await cp(path.join(folder, 'cloudcode', 'perform'), path.join(folder, 'cloudcode', name), { recursive: true });
      await writeFile(
        path.join(folder, 'cloudcode', name, 'index.js'),
        killedBefore(perform, line, { name, kill: killRunner }),
      );
      await deployProject(store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
      await runtime.schedule('seed', { parameters: { task: name, number: name } });
      const doomed = await startRunnerProcess(runtime.url, folder, { concurrency: 2 });
      await until(60_000, 'the runner is killed by its task', () =>
        doomed.child.signalCode === 'SIGKILL' ? true : null,
      );
      const next = await startRunnerProcess(runtime.url, folder, { concurrency: 2 });
      await everythingOver(runtime);
      await next.kill('SIGTERM');
      assert.equal(service.charges.filter(({ number }) => number === name).length, 1, name);
    }
  });
});

describe('the invoices example as its README has it', { timeout: 120_000 }, () => {
  it('npm start charges every invoice once, and a second time finds nothing to do', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cloudcode-invoices-'));
    try {
      await cp(example, path.join(folder, 'invoices'), {
        recursive: true,
        filter: (source) => !source.includes('.cloudcode'),
      });
      await mkdir(path.join(folder, 'node_modules'));
      await symlink(repository, path.join(folder, 'node_modules', 'cloudcode'));
      assert.match(
        await start(path.join(folder, 'invoices')),
        /12 invoices were written[\s\S]*Of 12 invoices 12 are charged[\s\S]* 0 invoices were charged twice/,
      );
      assert.match(
        await start(path.join(folder, 'invoices')),
        /\n0 invoices were written[\s\S]*Of 12 invoices 12 are charged[\s\S]*took money 0 times/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function start(folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['start.mjs'], { cwd: folder, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
    });
  });
}

async function everythingOver({ store }: Runtime): Promise<void> {
  await until(120_000, 'every run is finished', async () => {
    const rows = await store.query<Pick<Run, 'id'>>({
      name: '',
      text: "select id from cloudcode.runs where state in ('queued', 'running') limit 1",
    });
    return rows.length === 0 ? true : null;
  });
}
