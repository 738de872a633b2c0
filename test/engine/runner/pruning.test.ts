import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { machineFolders } from '../../../src/engine/runner/deployed/deployment-folders.ts';
import type { RunnerEvent } from '../../../src/engine/runner/events.ts';
import { startPruning } from '../../../src/engine/runner/start-pruning.ts';
import { until } from '../../support/runtime.ts';
import { alterRuns, noopTask, testStore } from '../../support/store.ts';

test('a runner prunes runs, deployments and files, each also when another cannot be pruned', async () => {
  await using t = await testStore();
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test-bundles-'));
  const folders = machineFolders(folder);
  const [old, oldFolder] = [join(folders.bundles, `${'a'.repeat(64)}.cjs`), join(folders.deployments, 'b'.repeat(64))];
  mkdirSync(folders.bundles);
  writeFileSync(old, '');
  mkdirSync(join(oldFolder, 'cloudcode'), { recursive: true });
  for (const each of [old, oldFolder]) utimesSync(each, 0, 0);
  for (let number = 0; number < 12; number += 1)
    await deployProject(t.store, 'testing', {
      folder: '/nowhere',
      tasks: [{ ...noopTask, code: `exports.run = async () => ${number}0` }],
      config: {},
    });
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  for (const run of await t.claim()) await t.finish(run, 'returned');
  await alterRuns(t.store, "update cloudcode.runs set finished_at = now() - interval '31 days'");
  await t.store.query({
    name: '',
    text: `
      create function cloudcode.refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
      create trigger refuse before delete on cloudcode.runs for each row execute function cloudcode.refuse()`,
  });
  const events: RunnerEvent[] = [];
  await using pruning = startPruning(t.store, folders, (event) => events.push(event));
  const told = (): readonly string[] =>
    events.map((event) =>
      event.kind === 'trouble' ? event.what : 'count' in event ? `${event.kind} ${event.count}` : event.kind,
    );
  pruning.wake();
  await until(20_000, 'all were tried', () => (existsSync(old) || existsSync(oldFolder) ? null : true));
  assert.deepEqual(told(), ['finished runs could not be pruned', 'deployments_pruned 3']);
  await t.store.query({ name: '', text: 'drop trigger refuse on cloudcode.runs' });
  pruning.wake();
  await until(20_000, 'it is pruned', () => (events.length > 2 ? true : null));
  assert.equal(told().at(-1), 'runs_pruned 1');
  rmSync(folder, { recursive: true });
});
