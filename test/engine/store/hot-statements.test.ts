import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { listFinishedRuns } from '../../../src/engine/operations/list-finished-runs.ts';
import { scheduleRunsByAttempt } from '../../../src/engine/operations/schedule-run.ts';
import { type ClaimedRun, claimRuns, readNextWakeMs } from '../../../src/engine/store/claim-runs.ts';
import { insertRun } from '../../../src/engine/store/insert-run.ts';
import { readOldDeployments } from '../../../src/engine/store/prune-deployments.ts';
import { everyRun, type RunFilter } from '../../../src/engine/store/run-filter.ts';
import { readRuns } from '../../../src/engine/store/read-runs.ts';
import { sessionSettings } from '../../../src/engine/store/connection.ts';
import { openSession } from '../../../src/engine/store/open-session.ts';
import type { Queryable, Statement } from '../../../src/engine/store/open-store.ts';
import { deleteEndedClaims, readHeldAttempts, readLostAttempts } from '../../../src/engine/store/runners.ts';
import { enterRuns } from '../../../bench/engine/fill.ts';
import { keepFacts } from '../../../src/engine/store/kept-facts.ts';
import { endOf, noopTask, testStore, type TestStore } from '../../support/store.ts';

// What the statements of every run cost does not grow with what waits, with the number of queues, or with what is kept. CLOUDCODE_TEST_RUNS=1000000 tries it with a million of each.

const waiting = Number(process.env['CLOUDCODE_TEST_RUNS'] ?? 60_000);
const queues = Math.ceil(waiting / 10);

let t: TestStore;
let held: ClaimedRun;
before(async () => {
  t = await testStore();
  // As they would be after a long time.
  for (const text of [
    'alter table cloudcode.runs disable trigger user',
    `insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit)
      select gen_random_uuid(), ${t.environmentId}, 'noop', '{}', case when i % 2 = 0 then 'queue ' || (i / 2) % ${queues} end, now() - interval '1 hour', 5, 5
      from generate_series(0, ${waiting} - 1) i`,
    `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit, state, attempt_count, fence, started_at, finished_at, result, runner_id, deployment_id, attempt_started_at, attempt_finished_at, outcome)
      select gen_random_uuid(), ${t.environmentId}, 'noop', '{}', now() - interval '1 day', 5, 5, 'succeeded', 1, 0, now(), now(), '1', gen_random_uuid(), 1, now(), now(), 'returned' from generate_series(1, ${waiting})`,
    'alter table cloudcode.runs enable trigger user',
    enterRuns,
  ])
    await t.store.query({ name: '', text, limitMs: 600_000 });
  await listFinishedRuns(t.store);
  await t.store.query({ name: '', text: 'analyze', limitMs: 600_000 });
  const [claimed] = await t.claim(1);
  assert.ok(claimed !== undefined);
  held = claimed;
});
after(async () => {
  await t[Symbol.asyncDispose]();
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Carries statements out by EXPLAIN ANALYZE, as the server does once it has prepared them, and keeps the nodes of their plans. */
function explaining(): { readonly db: Queryable; readonly nodes: PlanNode[] } {
  const nodes: PlanNode[] = [];
  const collect = (node: PlanNode): void => {
    nodes.push(node);
    node.Plans?.forEach(collect);
  };
  const query = async ({ text, values = [] }: Statement): Promise<readonly never[]> => {
    const [row] = await t.store.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>({
      name: '',
      text: `explain (analyze, timing off, format json) ${text}`,
      values,
      limitMs: 60_000,
    });
    row?.['QUERY PLAN'].forEach(({ Plan }) => collect(Plan));
    return [];
  };
  return { db: { query }, nodes };
}

const large = ['runs', 'ready', 'backlog', 'attempts', 'log_lines', 'listed'];

/** How many rows of the large tables a plan read, those it threw away included. */
function rowsRead(nodes: readonly PlanNode[]): number {
  const scans = nodes.filter(
    (node) => node['Node Type'].endsWith('Scan') && large.includes(node['Relation Name'] ?? ''),
  );
  return scans.reduce(
    (sum, node) =>
      sum + ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) * (node['Actual Loops'] ?? 1),
    0,
  );
}

const cases: readonly {
  readonly what: string;
  readonly most: number;
  readonly ask: (db: Queryable) => Promise<unknown>;
}[] = [
  { what: 'a claim of one', most: 4, ask: (db) => claimRuns(db, { runnerId: t.runnerId, limit: 1, after: 0 }) },
  {
    what: 'a claim of a hundred',
    most: 400,
    ask: (db) => claimRuns(db, { runnerId: t.runnerId, limit: 100, after: 0 }),
  },
  { what: 'the time until the next run', most: 1, ask: readNextWakeMs },
  { what: 'the end of one', most: 4, ask: (db) => finishAttempts(storeOf(db), [endOf(held, 'returned')]) },
  {
    what: 'the ends of a hundred',
    most: 400,
    ask: async (db) =>
      finishAttempts(
        storeOf(db),
        (await t.claim(100)).map((run) => endOf(run, 'returned')),
      ),
  },
  {
    what: 'a run that is scheduled',
    most: 1,
    ask: (db) =>
      insertRun(db, 'testing', {
        id: '00000000-0000-4000-8000-000000000001',
        task: 'noop',
        parametersJson: '{}',
        queue: 'queue 7',
        key: null,
        at: null,
        afterMs: null,
      }),
  },
  {
    what: 'a thousand runs that a task schedules',
    most: 2,
    async ask(db) {
      const [caller] = await t.claim(1);
      assert.ok(caller !== undefined);
      const runs = Array.from({ length: 1000 }, (_, number) => ({
        id: `00000000-0000-4000-8000-${String(number + 10).padStart(12, '0')}`,
        task: 'noop',
        parametersJson: '{}',
        queue: `queue ${number % 50}`,
        key: null,
        at: null,
        afterMs: null,
      }));
      await scheduleRunsByAttempt(db, { runId: caller.id, fence: caller.fence, environment: 'testing' }, runs).catch(
        () => undefined,
      );
    },
  },
  {
    what: 'a page of the newest runs',
    most: 210,
    ask: (db) => readRuns(db, t.environmentId, { ...everyRun, limit: 50 }),
  },
  {
    what: 'a page of running runs',
    most: 1_000,
    async ask(db) {
      await deleteEndedClaims(t.store, t.runnerId);
      return readRuns(db, t.environmentId, { ...everyRun, state: 'running', limit: 50 });
    },
  },
  {
    what: 'a page of dead runs',
    most: 210,
    ask: (db) => readRuns(db, t.environmentId, { ...everyRun, state: 'dead', limit: 50 }),
  },
  {
    what: 'a page in the middle of the runs of a task',
    most: 160,
    ask: (db) => readRuns(db, t.environmentId, { ...everyRun, task: 'noop', beforeSeq: String(waiting), limit: 50 }),
  },
  ...Object.entries({
    'in a state that most have': [{ state: 'succeeded' }, 260],
    'in a state that none has': [{ state: 'failed' }, 0],
    'of a task and in a state that none has': [{ task: 'noop', state: 'cancelled' }, 0],
    'of a queue in which some wait': [{ queue: 'queue 7' }, 100],
    'of a queue that there is not': [{ queue: 'nothing' }, 0],
    'of a key that none has': [{ key: 'nothing' }, 0],
    // Those that run are looked at.
    'of a deployment that most are of': [{ deployment: '1' }, 400],
    'of a deployment that none is of': [{ deployment: '999' }, 200],
    'of a fingerprint that none has': [{ fingerprint: 'nothing' }, 0],
    'scheduled since now': [{ since: '2100-01-01T00:00:00Z' }, 0],
    'scheduled before a time, in a state': [{ until: '2100-01-01T00:00:00Z', state: 'succeeded' }, 260],
  } satisfies Record<string, [Partial<RunFilter>, number]>).map(([which, [filter, most]]) => ({
    what: `a page of runs ${which}`,
    most,
    async ask(db: Queryable) {
      // As a runner does it from time to time.
      await listFinishedRuns(t.store);
      return readRuns(db, t.environmentId, { ...everyRun, ...filter, limit: 50 });
    },
  })),
  {
    what: 'a look at what a runner holds',
    most: 300,
    async ask(db) {
      // As a runner does it from time to time.
      await deleteEndedClaims(t.store, t.runnerId);
      return readHeldAttempts(db, t.runnerId);
    },
  },
  { what: 'a look for runs whose lease has ended', most: 0, ask: (db) => readLostAttempts(db, 100) },
];

function storeOf(db: Queryable): TestStore['store'] {
  return { ...t.store, query: db.query };
}

test('what every run costs is planned once for each connection, not each time', async () => {
  await using session = await openSession(t.store.url);
  const { query } = session;
  await query({ name: '', text: sessionSettings });
  const kept = keepFacts();
  for (let count = 0; count < 20; count += 1) {
    for (const run of await claimRuns({ query }, { runnerId: t.runnerId, limit: 1, after: 0 }, kept))
      await finishAttempts(storeOf({ query }), [endOf(run, 'returned')]);
    await readNextWakeMs({ query });
  }
  const plans = await query<{ name: string; often: boolean }>({
    name: '',
    text: 'select name, custom_plans > 5 as often from pg_prepared_statements order by name',
  });
  assert.deepEqual(
    plans,
    ['claim_runs_1', 'deployed_task', 'end_attempts_1', 'environment_facts', 'next_wake'].map((name) => ({
      name,
      often: false,
    })),
  );
});

for (const { what, most, ask } of cases) {
  test(`${what} reads no table from end to end, and few rows, whatever waits`, { timeout: 120_000 }, async () => {
    const { db, nodes } = explaining();
    await ask(db);
    assert.deepEqual(
      nodes.filter((node) => node['Node Type'] === 'Seq Scan' && large.includes(node['Relation Name'] ?? '')),
      [],
    );
    const read = rowsRead(nodes);
    assert.ok(
      read <= most,
      `it read ${read} rows of the large tables, ${most} at most are right:\n${JSON.stringify(
        nodes.map(({ Plans: _plans, ...node }) => node),
        null,
        1,
      )}`,
    );
  });
}

test(
  'a look for deployments that nothing needs reads no table from end to end, and of runs that are finished none, where no task was removed',
  { timeout: 120_000 },
  async () => {
    for (let number = 0; number < 12; number += 1) {
      await deployProject(t.store, 'testing', {
        folder: '/nowhere',
        tasks: ['noop', 'other'].map((name) => ({ ...noopTask, name, code: `exports.run = async () => ${number}0` })),
        config: {},
      });
    }
    await t.store.query({ name: '', text: 'analyze' });
    const running = (await readHeldAttempts(t.store, t.runnerId)).length;
    const { db, nodes } = explaining();
    await readOldDeployments(db, 10);
    assert.deepEqual(
      nodes.filter(
        (node) =>
          node['Node Type'] === 'Seq Scan' &&
          (node['Actual Loops'] ?? 0) > 0 &&
          large.includes(node['Relation Name'] ?? ''),
      ),
      [],
    );
    assert.ok(rowsRead(nodes) <= 2 * running, `it read ${rowsRead(nodes)} rows, with ${running} runs under way`);
  },
);
