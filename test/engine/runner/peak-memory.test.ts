import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { type Runtime, startRuntime } from '../../support/runtime.ts';

const mb = 1024 * 1024;
const holds = (timeoutMs: number): string => `
const held: Buffer[] = [];
export const config = { maxAttempts: 1, timeoutMs: ${timeoutMs} };
export async function run({ holdMb, end }: { holdMb: number; end: string }) {
  held.push(Buffer.alloc(holdMb * 1024 * 1024, 1));
  console.log('full');
  if (end === 'threw') throw new Error('as asked');
  if (end === 'exited') process.exit(1);
  if (end !== 'returned') await new Promise((resolve) => setTimeout(resolve, 60_000));
}`;
const withHelper = `
import { spawn } from 'node:child_process';
export async function run() {
  spawn(process.execPath, ['-e', 'globalThis.held = Buffer.alloc(80 * 1024 * 1024, 1); console.log("full"); setTimeout(() => {}, 60_000);'], { stdio: ['ignore', 'inherit', 'inherit'] });
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}`;

describe('peakMemoryBytes is one measure, however an attempt ends', { timeout: 120_000 }, () => {
  let runtime: Runtime;
  // The peak of the process that starts a worker is none of the worker's.
  const ballast = Buffer.alloc(300 * mb, 1);
  before(async () => {
    runtime = await startRuntime({ holds: holds(60_000), holds_too_long: holds(4_000), with_helper: withHelper });
  });
  after(() => runtime[Symbol.asyncDispose]());

  const peakMb = async (task: string, end: string, holdMb = 0): Promise<number> => {
    const run = await runtime.schedule(task, { parameters: { holdMb, end } });
    if (end === 'cancelled') {
      await runtime.printed(run, 'full');
      await cancelRun(runtime.store, 'testing', run.id);
    }
    const { attempts } = await runtime.ended(run);
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      [end],
    );
    return Math.round((attempts[0]?.peakMemoryBytes ?? 0) / mb);
  };

  it('the same work has the same peak when it returned, threw, exited, was cancelled or timed out, and it is that of the work', async () => {
    const peaks: Record<string, number> = {};
    for (const end of ['returned', 'threw', 'exited', 'cancelled', 'timed_out'])
      peaks[end] = await peakMb(end === 'timed_out' ? 'holds_too_long' : 'holds', end, 100);
    const [least, most] = [Math.min(...Object.values(peaks)), Math.max(...Object.values(peaks))];
    assert.ok(least >= 100 && most < 135 && most - least < 20, JSON.stringify(peaks));
    const idle = await peakMb('holds', 'returned');
    assert.ok(idle > 0 && idle < 30, `${idle} MB`);
    assert.equal(ballast[0], 1);
  });

  it('what an attempt has started counts as well', async () => {
    const peak = await peakMb('with_helper', 'cancelled');
    assert.ok(peak >= 80 && peak < 130, `${peak} MB`);
  });
});
