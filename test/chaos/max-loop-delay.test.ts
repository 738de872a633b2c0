import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { maxLoopDelay } from '../../src/chaos/processes/max-loop-delay.ts';
import { packageRoot } from '../../src/package-root.ts';
import { makeFolder } from '../project/make-folder.ts';

describe("the longest turn of a campaign's runners", () => {
  it('is told in processor time of the loop', async (t) => {
    const folder = await makeFolder(t, {});
    const clocks = ['clock-1', 'clock-2'].map((name) => join(folder, name));
    assert.equal(maxLoopDelay(clocks), null);
    const busy =
      'setTimeout(() => { const begun = process.threadCpuUsage().user; while (process.threadCpuUsage().user - begun < 300_000); setTimeout(() => process.exit(), 100); }, 50);';
    const child = spawn(process.execPath, ['--require', join(packageRoot, 'dist/chaos-in-runner.cjs'), '-e', busy], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: { ...process.env, CLOUDCODE_CHAOS_CLOCK: clocks[1] },
    });
    await once(child, 'close');
    assert.ok(Number(maxLoopDelay(clocks)) >= 250, String(maxLoopDelay(clocks)));
  });
});
