import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bootTimeMs } from '../../src/runner/boot-clock.ts';

it('the clock of kill deadlines goes forward as time does', async () => {
  const [before, start] = [bootTimeMs(), performance.now()];
  await delay(100);
  const [after, passed] = [bootTimeMs(), performance.now() - start];
  // Both readings are rounded down to 10 ms.
  assert.ok(after - before >= passed - 20 && after - before <= passed + 20, `${after - before} ms against ${passed} ms`);
});

it('it is the clock that counts suspend', { skip: platform !== 'linux' }, () => {
  const seconds = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  assert.ok(Math.abs(bootTimeMs() - seconds * 1_000) < 100);
});
