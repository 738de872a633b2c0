import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { until } from '../support/runtime.ts';
import { leaseOf, openStage, type Stage } from '../support/stage.ts';

/** The first attempt says when it dies, or waits to be killed; the second says when it has begun. */
const tasks = {
  dies: `
    import { appendFileSync } from 'node:fs';
    export async function run({ waits }: { waits?: boolean }) {
      appendFileSync('notes', [CloudCode.run.id, CloudCode.run.attempt, Date.now()].join(' ') + '\\n');
      if (CloudCode.run.attempt > 1) return;
      if (waits === true) await new Promise((resolve) => setTimeout(resolve, 600_000));
      process.kill(process.pid, 'SIGKILL');
    }`,
};

const crashes = 50;
/** What a back-off may be exceeded by on a machine that is not busy. The figures are printed; asserted is the middle one, with room for a busy machine, which is still less than polling would take. */
const crashLateMs = 100;
const roomMs = 2000;

test(
  "after a worker's crash its run goes on soon after the back-off, and not only when somebody polls",
  { timeout: 300_000 },
  async (t) => {
    await using stage = await openStage(tasks);
    await recordBackOffs(stage);
    await stage.start({ concurrency: 4 });
    const late: number[] = [];
    for (let n = 0; n < crashes; n += 5) {
      const runs = await Promise.all(
        Array.from({ length: 5 }, () => scheduleRun(stage.store, 'testing', { task: 'dies' })),
      );
      for (const run of runs) late.push(await lateness(stage, await ended(stage, run)));
    }
    report(t, `later than the back-off, of ${crashes} crashes`, late);
    assert.ok(quantile(late, 0.5) < crashLateMs + roomMs);
  },
);

const leaseMs = 3000;
const kills = 4;

const boundMs = leaseMs + 2000;

// Beside one another: they wait for leases.
describe('a runner is gone', { concurrency: true }, () => {
  for (const where of ['the same machine', 'another machine']) {
    test(
      `after kill -9 of a runner its queues go on within the lease and two seconds: by a runner on ${where}`,
      { timeout: 300_000 },
      async (t) => {
        await using stage = await openStage(tasks);
        const took: number[] = [];
        for (let n = 0; n < kills; n += 1) {
          const runner = await stage.start({ leaseMs });
          const run = await scheduleRun(stage.store, 'testing', {
            task: 'dies',
            queue: `q${n}`,
            parameters: { waits: true },
          });
          await until(20_000, 'it runs', () => startedAt(stage, run.id, 1));
          const other = await stage.start({ leaseMs });
          if (where === 'another machine')
            await stage.store.query({
              name: '',
              text: `update cloudcode.runners set process_identity = 'another machine' where id = '${runner.id}'`,
            });
          const { renewals } = await leaseOf(stage, runner.id);
          await until(20_000, 'a renewal', async () => (await leaseOf(stage, runner.id)).renewals > renewals || null);
          // At different times between two renewals.
          await delay((n * leaseMs) / 5 / kills);
          const killedAt = Date.now();
          await runner.kill('SIGKILL');
          took.push((await until(30_000, 'it runs again', () => startedAt(stage, run.id, 2))) - killedAt);
          await other.kill('SIGTERM');
        }
        report(t, `from the kill to the next attempt, of ${kills} kills`, took);
        assert.ok(quantile(took, 0.5) < boundMs + roomMs);
      },
    );
  }
});

async function recordBackOffs({ store }: Stage): Promise<void> {
  for (const text of [
    'create table public.back_offs (run_id uuid, back_off_ms double precision)',
    `create function public.record_back_off() returns trigger language plpgsql as $$
     begin insert into public.back_offs values (new.id, extract(epoch from new.retry_at - now()) * 1000); return null; end $$`,
    'create trigger record_back_off after update on cloudcode.runs for each row when (new.retry_at is not null) execute function public.record_back_off()',
  ])
    await store.query({ name: '', text });
}

/** From the crash to the next attempt, without the back-off. */
async function lateness(stage: Stage, { id, attempts }: Run): Promise<number> {
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ['killed', 'returned'],
  );
  const [row] = await stage.store.query<{ ms: number }>({
    name: '',
    text: `select back_off_ms as ms from public.back_offs where run_id = '${id}'`,
  });
  return (startedAt(stage, id, 2) ?? NaN) - (startedAt(stage, id, 1) ?? NaN) - (row?.ms ?? NaN);
}

function startedAt({ folder }: Stage, runId: string, attempt: number): number | null {
  const line = notesIn(folder).find((each) => each.startsWith(`${runId} ${attempt} `));
  return line === undefined ? null : Number(line.split(' ')[2]);
}

function notesIn(folder: string): readonly string[] {
  try {
    return readFileSync(join(folder, 'notes'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

function ended({ store }: Stage, { id }: Run): Promise<Run> {
  return until(30_000, `run ${id} is finished`, async () => {
    const now = await getRun(store, 'testing', id);
    return isFinal(now.state) ? now : null;
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function report(t: TestContext, what: string, values: readonly number[]): void {
  const shown = [0, 0.5, 0.9, 1].map((share) => Math.round(quantile(values, share)));
  t.diagnostic(`${what}: least ${shown[0]}, middle ${shown[1]}, nine of ten ${shown[2]}, most ${shown[3]} ms`);
}
