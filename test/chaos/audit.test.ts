import { rebuildStore } from '../../src/engine/operations/check-store.ts';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkHistory } from '../../src/chaos/judge/check-history.ts';
import type { Witnessed } from '../../src/chaos/judge/history.ts';
import { auditMarks, installAudit } from '../../src/chaos/judge/install-audit.ts';
import { isVisible } from '../../src/chaos/judge/index-history.ts';
import { readHistory } from '../../src/chaos/judge/read-history.ts';
import { countNames } from '../../src/chaos/judge/verdict.ts';
import type { Run } from '../../src/engine/core/run.ts';
import { retryRun } from '../../src/engine/operations/retry-run.ts';
import { type Runtime, startRuntime, until } from '../support/runtime.ts';
import { testStore } from '../support/store.ts';

const files = {
  'schema.xml': `<data-model>
    <model name="mark"><field name="run" type="text"/><field name="fence" type="text"/><field name="attempt" type="integer"/><field name="queue" type="text"/></model>
    <model name="tally"><field name="queue" type="text"/><field name="marks" type="integer"/></model>
    <model name="counter"><field name="fences" type="number"/></model>
  </data-model>`,
  work: `
    export const config = { maxAttempts: 3 };
    export async function run({ crashes = 0, children = 0, throws = false }: { crashes?: number; children?: number; throws?: boolean }) {
      const { id: run, fence, attempt, queue } = CloudCode.run;
      console.log('begun');
      const batch = new DB.Batch();
      batch.save(DB.mark.create({ run, fence, attempt, queue }));
      const tally = (await DB.tally.first('queue = ?', queue)) ?? DB.tally.create({ queue, marks: 0 });
      tally.marks = (tally.marks ?? 0) + 1;
      batch.save(tally);
      await batch.execute();
      await DB.counter.increment('00000000-0000-7000-8000-000000000001', { fences: Number(fence) });
      for (let n = 0; n < children; n += 1) await CloudCode.scheduleTask({ task: 'work', queue, after: n * 10, parameters: { by: fence } });
      if (attempt <= crashes) process.exit(3);
      if (throws) throw new Error('as planned');
      return fence;
    }`,
};

const nothingWitnessed: Witnessed = {
  witness: [],
  acknowledged: [],
  retried: [],
  clockSamples: [],
  faults: [],
  leftOver: [],
  endedByThemselves: [],
};

async function auditedRuns(runtime: Runtime): Promise<readonly Run[]> {
  await installAudit(runtime.store);
  await auditMarks(runtime.store);
  const parameters = [
    {},
    { crashes: 1 },
    { children: 3 },
    { throws: true },
    { crashes: 3 },
    {},
    { crashes: 1, children: 1 },
    {},
  ];
  const runs = await Promise.all(
    parameters.map((given, index) =>
      runtime.schedule('work', { parameters: given, queue: `q${index % 2}`, ...(index === 5 ? { after: 700 } : {}) }),
    ),
  );
  const ended = await Promise.all(runs.map((run) => runtime.ended(run)));
  await runtime.ended((await retryRun(runtime.store, 'testing', ended[3]?.id ?? '')).id);
  await until(20_000, 'what they scheduled is over as well', async () => {
    const open = await runtime.store.query({
      name: '',
      text: "select 1 as found from cloudcode.runs where state in ('queued', 'running')",
    });
    return open.length === 0 || null;
  });
  return ended;
}

test('the audit of real runs with crashes, throws, children and a retry: the judge finds nothing, and what was asked for is not held against it', async () => {
  await using runtime = await startRuntime(files);
  const runs = await auditedRuns(runtime);
  const [, , , failed, dead] = runs;
  assert.deepEqual([failed?.state, dead?.state], ['failed', 'dead']);
  const verdict = checkHistory(
    await readHistory(runtime.store, {
      ...nothingWitnessed,
      acknowledged: runs.map(({ id }) => id),
      retried: [failed?.id ?? ''],
    }),
  );
  assert.deepEqual(verdict.cases, []);
  assert.ok(verdict.runs >= 13 && verdict.attempts >= verdict.runs + 5, JSON.stringify(verdict));
  assert.ok((verdict.maxStandstill?.ms ?? 0) > 0);
  assert.equal(
    checkHistory(await readHistory(runtime.store, nothingWitnessed)).counts.retriedAfterAnswer,
    1,
    'a retry that nobody had asked for',
  );
});

test('the audit of a database whose rules are broken by hand: the judge finds every break', async () => {
  await using runtime = await startRuntime(files);
  const runs = await auditedRuns(runtime);
  const [first, , , failed] = runs;
  await runtime.runner.stop();
  const sql = (text: string): Promise<readonly object[]> => runtime.store.query({ name: '', text });
  await sql('drop index cloudcode.runs_one_running');
  await sql(
    'drop trigger refuse_transition on cloudcode.runs; alter table cloudcode.runs drop constraint state_is_whole',
  );
  const [mark] = (await sql(`select schemaname from pg_tables where tablename = 'mark'`)) as readonly {
    schemaname: string;
  }[];
  const broken = [
    // Two of one queue, both early, in the wrong order, with a fence that is not new.
    "insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit) select gen_random_uuid(), environment_id, task, parameters, 'q9', now() + n * interval '1 hour', 5, 5 from (select * from cloudcode.runs limit 1) r, generate_series(1, 2) n",
    "update cloudcode.runs set state = 'running', runner_id = gen_random_uuid(), fence = 1, attempt_count = 1 where queue = 'q9' and due_at > now() + interval '90 minutes'",
    "update cloudcode.runs set state = 'running', runner_id = gen_random_uuid(), fence = 1, attempt_count = 2 where queue = 'q9' and state = 'queued'",
    `update cloudcode.runs set outcome = 'threw' where id = '${first?.id ?? ''}'`,
    `insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message) values ('${first?.id ?? ''}', 1, 1, now(), 'info', 'late')`,
    ...[1, 1].map(
      () =>
        `update "${mark?.schemaname ?? ''}".counter set fences = fences + (select max(fence) from chaos_audit.additions)`,
    ),
    `insert into "${mark?.schemaname ?? ''}".mark (id, run, fence, queue) values (gen_random_uuid(), '${first?.id ?? ''}', '1', 'q0')`,
    `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit, scheduled_by) select gen_random_uuid(), environment_id, task, '{}', now(), 5, 5, id from cloudcode.runs where id = '${first?.id ?? ''}'`,
    `update cloudcode.runs set state = 'queued', finished_at = null, result = null where id = '${first?.id ?? ''}'`,
    `delete from cloudcode.runs where id = '${runs[1]?.id ?? ''}'`,
  ];
  for (const text of broken) await sql(text);
  const { counts } = checkHistory(
    await readHistory(runtime.store, {
      ...nothingWitnessed,
      retried: [failed?.id ?? ''],
      leftOver: [1],
      endedByThemselves: ['runner 1: SIGABRT'],
    }),
  );
  const unseen = countNames.filter((name) => counts[name] === 0);
  // No task witnessed anything.
  assert.deepEqual(unseen, ['unclaimedStarts']);
  assert.equal(counts.staleWrites, 6, JSON.stringify(counts));
});

test('the audit of a claim has the snapshot of the claiming statement itself, not a later one', async () => {
  await using t = await testStore();
  await installAudit(t.store);
  const insert = (id: string, dueAt: string): { readonly name: string; readonly text: string } => {
    return {
      name: '',
      text: `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit) values ('${id}', ${t.environmentId}, 'noop', '{}', ${dueAt}, 5, 5)`,
    };
  };
  const [claimed, added] = [randomUUID(), randomUUID()];
  await t.store.query(insert(claimed, 'now()'));
  const isClaiming = Promise.withResolvers<Promise<unknown>>();
  await t.store.transaction(async (db) => {
    await db.query(insert(added, 'now()'));
    // The statement takes its snapshot, and then waits until the other's commit.
    const claiming = t.store.query({
      name: '',
      text: `with pause as materialized (select pg_sleep(1)) update cloudcode.runs set state = 'running', runner_id = '${t.runnerId}', fence = 1, attempt_count = 1, attempt_started_at = now() from pause where id = '${claimed}'`,
    });
    isClaiming.resolve(claiming);
    await until(5000, 'the statement has begun', async () => {
      const waiting = await t.store.query({
        name: '',
        text: "select 1 as found from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
      });
      return waiting.length > 0 || null;
    });
  });
  await await isClaiming.promise;
  const [row] = await t.store.query<{ xid: string; snapshot: string }>({
    name: '',
    text: `select (select xid::text from chaos_audit.changes where run = '${added}') as xid, (select snapshot from chaos_audit.changes where run = '${claimed}' and after = 'running') as snapshot`,
  });
  assert.equal(isVisible(Number(row?.xid), row?.snapshot ?? ''), false, JSON.stringify(row));
  await rebuildStore(t.store);
});
