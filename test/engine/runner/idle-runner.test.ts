import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { startRunner } from '../../../src/engine/runner/start-runner.ts';
import type { Statement, Store } from '../../../src/engine/store/open-store.ts';
import { writeProject } from '../../support/runtime.ts';
import { testStore } from '../../support/store.ts';

const idleMs = 5_000;

test('a runner that has nothing to do looks at the leases of others twice a second, and asks the database for hardly anything else', async () => {
  await using t = await testStore();
  const names: string[] = [];
  const query = <Row extends object>(statement: Statement): Promise<readonly Row[]> => {
    names.push(statement.name);
    return t.store.query<Row>(statement);
  };
  const store: Store = { ...t.store, query };
  const folder = writeProject({});
  await using runner = await startRunner({ store, folder });
  await sleep(1_000); // what a start asks for
  names.length = 0;
  await sleep(idleMs);
  const counts = Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, each]) => [name, each.length]));
  const { other_leases: looks = 0, lost_attempts: rescues = 0 } = counts;
  // Fewer where the machine is slow.
  assert.ok(looks >= 1 && looks <= idleMs / 500 + 1, JSON.stringify(counts));
  assert.ok(rescues <= 2, JSON.stringify(counts));
  assert.ok(names.length - looks <= 12, JSON.stringify(counts));
  await runner.stop();
  rmSync(folder, { recursive: true });
});
