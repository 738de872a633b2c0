import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { CloudCodeClient, CloudCodeError, type Run } from 'cloudcode/client';
import { packageRoot } from '../../src/package-root.ts';
import { startCloudcode, type Started } from '../cli/cloudcode.ts';
import { writeProject } from '../support/runtime.ts';

const execute = promisify(execFile);

const tasks = {
  double:
    "export async function run({ value }: { value: number }) { console.log('doubling'); if (value < 0) throw new RangeError('too small'); return value * 2; }",
  slow: 'export async function run() { await new Promise((resolve) => setTimeout(resolve, 60_000)); }',
};

describe('cloudcode/client: other programs work with a server', { timeout: 180_000 }, () => {
  let folder = '';
  let server: Started;
  let client: CloudCodeClient;
  let url = '';
  before(async () => {
    folder = writeProject(tasks);
    server = startCloudcode(['start', '--port', '0', '--json', '--project', folder]);
    ({ url } = JSON.parse((await server.says(/^\{.*\}$/m))[0]) as { readonly url: string });
    client = new CloudCodeClient({ url });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const refusalOf = async (asked: Promise<unknown>): Promise<CloudCodeError> => {
    const error: unknown = await asked.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof CloudCodeError, String(error));
    return error;
  };

  it('schedules a task and waits for its answer, in two lines', async () => {
    const { id } = await client.scheduleTask({ task: 'double', parameters: { value: 21 } });
    const run: Run = await client.waitForRun(id);
    assert.deepEqual([run.state, run.result], ['succeeded', 42]);
    const failed = await client.waitForRun(
      (await client.scheduleTask({ task: 'double', parameters: { value: -1 } })).id,
    );
    assert.deepEqual([failed.state, failed.error?.name, failed.error?.message], ['failed', 'RangeError', 'too small']);
  });

  it('schedules at a time given as a Date, many at once, and once for each Idempotency-Key', async () => {
    const at = new Date(Date.now() + 3_600_000);
    const later = await client.scheduleTask({ task: 'double', parameters: { value: 1 }, at, queue: 'q' });
    assert.deepEqual([later.dueAt, later.queue, later.state], [at.toISOString(), 'q', 'scheduled']);
    const many = await client.scheduleTasks([1, 2, 3].map((value) => ({ task: 'double', parameters: { value }, at })));
    assert.equal(new Set(many.map(({ id }) => id)).size, 3);
    const once = async (): Promise<string> =>
      (await client.scheduleTask({ task: 'double', parameters: { value: 5 }, at }, { idempotencyKey: 'one' })).id;
    assert.equal(await once(), await once());
    const { code } = await refusalOf(
      client.scheduleTask({ task: 'double', parameters: { value: 6 } }, { idempotencyKey: 'one' }),
    );
    assert.equal(code, 'idempotency_key_reused');
  });

  it('lists page by page as they are taken, and calls any operation by its name', async () => {
    const listed: string[] = [];
    for await (const { id } of client.runs({ task: 'double', limit: 2 })) listed.push(id);
    assert.ok(listed.length >= 6 && new Set(listed).size === listed.length);
    const { queues } = await client.call('queues.list', {});
    assert.deepEqual(
      queues.map(({ name }) => name),
      ['q'],
    );
    assert.equal((await client.call('queues.pause', { name: 'q' })).paused, true);
    const { variables } = await client.call('variables.set', { body: { variables: [{ name: 'A', value: 'b' }] } });
    assert.deepEqual(
      variables.map(({ name, value }) => [name, value]),
      [['A', 'b']],
    );
    assert.deepEqual(await client.call('health.live', {}), await (await fetch(new URL('/health', url))).json());
  });

  it('follows a log to its end, which the run is', async () => {
    const { id } = await client.scheduleTask({ task: 'double', parameters: { value: 2 } });
    const events: unknown[] = [];
    for await (const event of client.follow('runs.logs', { id }))
      events.push(event.event === 'end' ? event.data.result : event.data.message);
    assert.deepEqual(events, ['doubling', 4]);
  });

  it('a refusal has its code and what to do; a signal ends a wait', async () => {
    const unknown = await refusalOf(client.scheduleTask({ task: 'dobule' }));
    assert.deepEqual([unknown.code, unknown.hint], ['unknown_task', 'Did you mean `double`?']);
    assert.equal((await refusalOf(client.waitForRun('01a208ee-080e-731a-8b08-5ce50cedec48'))).code, 'run_not_found');
    const elsewhere = new CloudCodeClient({ url: url, environment: 'nowhere' });
    assert.equal((await refusalOf(elsewhere.call('tasks.list', {}))).code, 'environment_not_found');
    const nobody = new CloudCodeClient({ url: 'http://127.0.0.1:59' });
    assert.equal((await refusalOf(nobody.scheduleTask({ task: 'double' }))).code, 'server_unreachable');
    const { id } = await client.scheduleTask({ task: 'slow' });
    const startedAt = performance.now();
    await assert.rejects(client.waitForRun(id, { signal: AbortSignal.timeout(300) }), { name: 'TimeoutError' });
    assert.ok(performance.now() - startedAt < 10_000);
    assert.equal((await client.call('runs.cancel', { id })).id, id);
  });

  it('is one file that imports nothing, and names nothing of Node', () => {
    const text = readFileSync(join(packageRoot, 'dist/client.js'), 'utf8');
    assert.doesNotMatch(text, /^import |\bimport\(|\brequire\(|node:|\bprocess\.|\bBuffer\b/m);
  });

  it('with cloudcode-env.d.ts, task names and parameters are checked by the compiler', async () => {
    const env = await startCloudcode(['types', '--project', folder]).ended;
    assert.equal(env, 0);
    writeFileSync(
      join(folder, 'program.ts'),
      `import { CloudCodeClient } from 'cloudcode/client';
const client = new CloudCodeClient({ url: 'http://127.0.0.1:4000' });
export const good = client.scheduleTask({ task: 'double', parameters: { value: 1 } });
export const state: 'succeeded' | string = (await good).state;
// @ts-expect-error there is no such task
void client.scheduleTask({ task: 'dobule', parameters: { value: 1 } });
// @ts-expect-error a string is no number
void client.scheduleTask({ task: 'double', parameters: { value: '1' } });
// @ts-expect-error it has no such filter
void client.runs({ colour: 'red' });
// @ts-expect-error there is no such operation
void client.call('runs.paint', {});
`,
    );
    writeFileSync(join(folder, 'package.json'), '{ "name": "program", "type": "module" }');
    const paths = JSON.stringify({
      compilerOptions: {
        noEmit: true,
        strict: true,
        target: 'es2023',
        lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
        module: 'nodenext',
        types: [],
        paths: {
          cloudcode: [join(packageRoot, 'src/sdk/cloudcode.d.ts')],
          'cloudcode/client': [join(packageRoot, 'src/client/client.d.ts')],
        },
      },
      files: ['program.ts', 'cloudcode-env.d.ts'],
    });
    writeFileSync(join(folder, 'tsconfig.program.json'), paths);
    const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');
    const done = await execute(process.execPath, [tsc, '-p', join(folder, 'tsconfig.program.json')]).catch(
      (error: unknown) => error as { readonly stdout: string },
    );
    assert.equal(done.stdout, '');
  });
});
