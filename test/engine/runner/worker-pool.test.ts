import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { openContainment } from '../../../src/engine/runner/containment/open-containment.ts';
import { rememberMs } from '../../../src/engine/runner/pool-demand.ts';
import { openWorkerStarter } from '../../../src/engine/runner/start-worker.ts';
import { openWorkerPool, type WorkerPool } from '../../../src/engine/runner/worker-pool.ts';
import type { WorkerProcess } from '../../../src/engine/runner/worker-process.ts';
import { until } from '../../support/runtime.ts';

/** Far more than what is awaited takes, beside whatever else the machine does. */
const patienceMs = 100_000;

const need = { memoryMb: 64, workerStart: null, startVariables: '' };

interface Stage extends AsyncDisposable {
  readonly pool: WorkerPool;
  /** All that were started, in order. */
  readonly started: readonly WorkerProcess[];
  /** For each spare that was started, how many others were starting then. */
  besides(): readonly number[];
  /** Takes as many at the same instant. */
  take(count: number): Promise<readonly WorkerProcess[]>;
  /** How many live, have loaded, and were not taken; null while any is starting. */
  waiting(): number | null;
  passTime(ms: number): void;
}

/** A pool of real processes. */
async function openPool({ concurrency = 8, processors = 2 } = {}): Promise<Stage> {
  const runnerId = randomUUID();
  const containment = await openContainment({ runnerId });
  const trouble = (error: unknown): void => void assert.fail(String(error));
  const starter = openWorkerStarter({
    runnerId,
    containment,
    folder: tmpdir(),
    workerStart: 'spawn',
    holdsLease: () => true,
    onChange: () => undefined,
    onTrouble: trouble,
  });
  const started: WorkerProcess[] = [];
  const besides: (readonly WorkerProcess[])[] = [];
  const taken = new Set<WorkerProcess>();
  const loading = new Set<WorkerProcess>();
  let isTaking = false;
  let passedMs = 0;
  const now = (): number => performance.now() + passedMs;
  /** While several are taken, which takes a busy machine a while. */
  let instant: number | null = null;
  const counting: typeof starter = {
    ...starter,
    start(kind) {
      if (!isTaking) besides.push([...loading]);
      const worker = starter.start(kind);
      started.push(worker);
      loading.add(worker);
      void worker.loaded.then(() => loading.delete(worker));
      return worker;
    },
  };
  const pool = openWorkerPool({
    starter: counting,
    concurrency,
    need,
    onTrouble: trouble,
    machine: { processors, availableBytes: () => 2 ** 40, now: () => instant ?? now() },
  });
  return {
    pool,
    started,
    besides: () => besides.map((others) => others.filter((worker) => !taken.has(worker)).length),
    async take(count) {
      isTaking = true;
      instant = now();
      const taking = Array.from({ length: count }, () => pool.take(need));
      isTaking = false;
      instant = null;
      const workers = await Promise.all(taking);
      for (const worker of workers) taken.add(worker);
      return workers;
    },
    waiting: () =>
      loading.size > 0 ? null : started.filter((worker) => !worker.hasExited && !taken.has(worker)).length,
    passTime: (ms) => void (passedMs += ms),
    async [Symbol.asyncDispose]() {
      await pool.close();
      await Promise.all([...taken].map((worker) => worker.end()));
      containment.close();
    },
  };
}

test(
  'after a burst as many workers wait as it took, and after ten minutes without any as few as before',
  { timeout: 120_000 },
  async () => {
    await using stage = await openPool();
    await until(patienceMs, 'two wait at first', () => stage.waiting() === 2 || null);
    await stage.take(6);
    await until(patienceMs, 'six wait after the burst', () => stage.waiting() === 6 || null);
    stage.passTime(rememberMs);
    stage.pool.refill();
    await until(patienceMs, 'two wait after the silence', () => stage.waiting() === 2 || null);
  },
);

test(
  'a run that needs a worker gets one of its own at once; no more spares are starting at a time than there are processors',
  { timeout: 120_000 },
  async () => {
    await using stage = await openPool();
    const workers = await stage.take(8);
    assert.equal(
      stage.started.length - stage.besides().length,
      6,
      'two were waiting; six were started for the runs that needed them',
    );
    assert.equal(new Set(workers).size, 8);
    await until(patienceMs, 'eight wait', () => stage.waiting() === 8 || null);
    assert.equal(stage.besides().length, 2 + 8);
    assert.ok(
      Math.max(...stage.besides()) < 2,
      `when spares were started there were starting: ${stage.besides().join(', ')}`,
    );
  },
);

test(
  'no more workers wait than twice the runs there can be, however many were taken',
  { timeout: 120_000 },
  async () => {
    await using stage = await openPool({ concurrency: 2 });
    await stage.take(6);
    await until(patienceMs, 'four wait', () => stage.waiting() === 4 || null);
    stage.pool.refill();
    assert.equal(stage.waiting(), 4);
  },
);

test('a worker that has loaded is taken before one that is still starting', { timeout: 120_000 }, async () => {
  for (;;) {
    await using stage = await openPool();
    const [first, second] = stage.started;
    assert.ok(first !== undefined && second !== undefined);
    process.kill(first.pid, 'SIGSTOP');
    assert.ok(await second.loaded);
    if (first.hasLoaded) continue; // it was faster than the signal
    assert.deepEqual(await stage.take(1), [second]);
    process.kill(first.pid, 'SIGCONT');
    return;
  }
});
