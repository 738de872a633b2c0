import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { changing } from '../../src/chaos/faults/connections.ts';
import { faultKinds, factsOf, leftOutOf } from '../../src/chaos/plan/fault-kinds.ts';
import { planFaults } from '../../src/chaos/plan/plan-faults.ts';
import { planRuns } from '../../src/chaos/plan/plan-runs.ts';
import { packageRoot } from '../../src/package-root.ts';

const options = { seed: 42, faults: 300, runners: 4, leaseMs: 3000, kinds: faultKinds };

describe("a campaign's plan", () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(planFaults(options), planFaults(options));
    assert.notDeepEqual(planFaults(options), planFaults({ ...options, seed: 43 }));
    const runs = { seed: 42, runs: 500, queues: 10, leaseMs: 3000 };
    assert.deepEqual(planRuns(runs), planRuns(runs));
    assert.notDeepEqual(planRuns(runs), planRuns({ ...runs, seed: 43 }));
  });

  it('has every kind of fault once before it has any kind for the second time', () => {
    for (const seed of [1, 2, 3]) {
      const kinds = planFaults({ ...options, seed, faults: faultKinds.length }).map(({ kind }) => kind);
      assert.deepEqual([...kinds].sort(), [...faultKinds].sort());
    }
  });

  it('keeps to the bounds of its kinds, in the order of time', () => {
    let before = 0;
    for (const { kind, atMs, lastsMs, runner, choice } of planFaults(options)) {
      const { lasts = [0, 0] } = factsOf(kind);
      assert.ok(atMs > before);
      assert.ok(
        lastsMs >= lasts[0] * options.leaseMs && lastsMs <= lasts[1] * options.leaseMs,
        `${kind} lasts ${lastsMs} ms`,
      );
      assert.equal(runner === null, /^(database|task)_/.test(kind));
      assert.ok(runner === null || (runner >= 0 && runner < options.runners));
      assert.ok(choice >= 0 && choice < 1);
      before = atMs;
    }
  });

  it('leaves out what the surroundings do not allow', () => {
    const leftOut = leftOutOf(faultKinds, { ownServer: false, plainConnections: true, forkedWorkers: true }).map(
      ({ kind }) => kind,
    );
    assert.deepEqual(leftOut, ['database_restarted_fast', 'database_restarted_immediate']);
    const ofSpawned = leftOutOf(faultKinds, { ownServer: true, plainConnections: true, forkedWorkers: false }).map(
      ({ kind }) => kind,
    );
    assert.deepEqual(ofSpawned, ['fork_server_killed', 'fork_server_stopped']);
  });

  it('loses the answers to statements that there are', () => {
    const store = globSync('src/{engine/store,data/statements}/*.ts', { cwd: packageRoot })
      .map((file) => readFileSync(join(packageRoot, file), 'utf8'))
      .join('');
    for (const name of changing) assert.ok(store.includes(`'${name}'`) || store.includes(`\`${name}$`), name);
  });

  it('has at least the runs that were asked for, in all queues and outside of them', () => {
    const plan = planRuns({ seed: 1, runs: 2000, queues: 12, leaseMs: 3000 });
    assert.ok(plan.runs.reduce((sum, { count }) => sum + count, 0) >= 2000);
    assert.equal(new Set(plan.runs.map(({ run }) => run.queue)).size, 13);
    assert.deepEqual([...new Set(plan.runs.map(({ run }) => run.task))].sort(), ['chain', 'fan_out', 'step']);
    assert.ok(
      planRuns({ seed: 1, runs: 20, queues: 0, leaseMs: 3000 }).runs.every(({ run }) => run.queue === undefined),
    );
  });
});
