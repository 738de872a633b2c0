import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '../../src/engine/core/run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { databaseServer } from '../../src/engine/store/database-url.ts';
import { makePostgresServer, type PostgresServer } from '../support/postgres-server.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { openSwitchedAddress } from '../support/switched-address.ts';

// More than a machine of two processors executes meanwhile: when the primary is killed some hundreds wait, and calls are under way. More of the same would only take longer.
const queues = 20;
const inEachQueue = 20;
const withoutQueue = 140;
const fans = 7;
const childrenOfEach = 19;
const total = queues * inEachQueue + withoutQueue + fans * (1 + childrenOfEach);
const feedMs = 10_000;
/** How far the work is when the primary is killed. */
const middle = total * 0.3;
/** So far the watcher looks back: a commit that took long is seen late. */
const overlapMs = 2000;

/** The kernel lets one process at a time listen on a queue's name. A fan's result is what it was told of its children: that they are durable. */
const tasks = {
  step: `
    import { appendFileSync } from 'node:fs';
    import { createServer } from 'node:net';
    export const config = { maxAttempts: 10 };
    export async function run({ n, campaign }: { n: number; campaign: string }) {
      const { queue } = CloudCode.run;
      const note = (what: string) => appendFileSync('notes', JSON.stringify({ what, queue, n }) + '\\n');
      if (queue !== null) await new Promise<void>((resolve) => {
        createServer().once('error', () => (note('overlap'), resolve())).listen('\\0' + campaign + queue, () => resolve());
      });
      note('start');
      return n;
    }`,
  fan: `
    export const config = { maxAttempts: 10 };
    export async function run({ children, campaign }: { children: number; campaign: string }) {
      const ids: string[] = [];
      for (let n = 0; n < children; n += 1) {
        ids.push((await CloudCode.scheduleTask({ task: 'step', parameters: { n, campaign } })).id);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return ids;
    }`,
};

test(
  `promises 1, 2, 3 and 8: a failover to a synchronous standby in the middle of ${total} runs loses nothing`,
  { timeout: 300_000 },
  async (t) => {
    await using pair = await startPair();
    await using address = await openSwitchedAddress(pair.primary.connect);
    await using stage = await openStage(tasks, { url: databaseServer(pair.primary.url).throughPort(address.port) });
    // Short leases run out meanwhile, long ones do not.
    for (const leaseMs of [2000, 15_000, 15_000]) await stage.start({ leaseMs });

    const confirmed = new Map<string, number | null>();
    const answered = new Map<string, Answer>();
    const feeding = feed(stage, confirmed);
    const watching = watchAnswers(stage, answered);
    await until(120_000, 'the middle', () => (answered.size >= middle ? true : null));

    const scheduledBefore = confirmed.size;
    await pair.primary.kill();
    const answeredBefore = answered.size;
    // As where the address moves first: for a while it leads to a server that takes no writes.
    address.pointTo(pair.standby.connect);
    await delay(1500);
    const away = performance.now();
    await pair.standby.query('select pg_promote()');
    await until(30_000, 'an answer after the failover', () => (answered.size > answeredBefore ? true : null));
    const onAfterMs = Math.round(performance.now() - away);

    const uncertain = await feeding;
    await until(240_000, 'all runs are finished', async () => {
      await delay(200);
      return (await countUnfinished(stage)) === 0 ? true : null;
    });
    watching.stop();
    const runs = await allRuns(stage);
    assertNothingLost(runs, confirmed);
    assertAnswersKept(runs, answered);
    assertOneAtATimeInOrder(readFileSync(join(stage.folder, 'notes'), 'utf8'));
    // A fan whose attempt was lost, because its runner lost its lease meanwhile, schedules its children again.
    const repeated = runs
      .filter(({ task }) => task === 'fan')
      .reduce((sum, { attempts }) => sum + (attempts.length - 1) * childrenOfEach, 0);
    assert.ok(
      runs.length >= total && runs.length <= total + uncertain + repeated,
      `${runs.length} runs, ${uncertain} calls without an answer, ${repeated} scheduled again at most`,
    );
    const lost = runs.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === 'lost').length;
    t.diagnostic(
      `killed after ${scheduledBefore} confirmed schedule calls and ${answeredBefore} confirmed answers of ${runs.length} runs; ${uncertain} calls without an answer; ` +
        `the first answer ${onAfterMs} ms after the promotion; ${lost} attempts lost`,
    );
  },
);

interface Pair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
}

/** A commit on the primary counts once the standby has it on its disk. */
async function startPair(): Promise<Pair> {
  const primary = makePostgresServer();
  await primary.start();
  await primary.stop();
  const standby = primary.makeStandby();
  await primary.start({ synchronous_standby_names: 'standby' });
  await standby.start({ primary_conninfo: `${primary.connectionInfo} application_name=standby` });
  await until(15_000, 'the standby is synchronous', async () => {
    const [row] = await primary.query('select sync_state from pg_stat_replication');
    return row?.['sync_state'] === 'sync' ? true : null;
  });
  return {
    primary,
    standby,
    async [Symbol.asyncDispose]() {
      await standby[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
}

/** Schedules, each queue's runs one after the other. @returns how many calls had no answer: these were made again */
async function feed({ store }: Stage, confirmed: Map<string, number | null>): Promise<number> {
  const campaign = `cloudcode-test-${randomUUID()}`;
  let uncertain = 0;
  const schedule = async (options: Record<string, unknown>, n: number | null): Promise<void> => {
    for (;;) {
      try {
        confirmed.set((await scheduleRun(store, 'testing', options)).id, n);
        return;
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'database_unreachable');
        uncertain += 1;
        await delay(100);
      }
    }
  };
  const step = (n: number, queue: string | null): Promise<void> =>
    schedule({ task: 'step', parameters: { n, campaign }, ...(queue === null ? {} : { queue }) }, n);
  const line = async (count: number, queue: string | null): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      await step(n, queue);
      // So that the failover comes in the middle of the calls too.
      await delay(feedMs / count);
    }
  };
  const fan = async (): Promise<void> => {
    for (let n = 0; n < fans; n += 1) {
      await schedule({ task: 'fan', parameters: { children: childrenOfEach, campaign } }, null);
      await delay(feedMs / fans);
    }
  };
  await Promise.all([
    ...Array.from({ length: queues }, (_, n) => line(inEachQueue, `queue ${n}`)),
    line(withoutQueue, null),
    fan(),
  ]);
  return uncertain;
}

interface Answer {
  readonly id: string;
  readonly finishedAt: Date;
  readonly attempts: number;
}

/** Notes every answer that is seen to be stored, as it was seen first. */
function watchAnswers({ store }: Stage, answered: Map<string, Answer>): { stop(): void } {
  let isOver = false;
  const watch = async (): Promise<void> => {
    for (let newest = new Date(0); !isOver; await delay(100)) {
      const answers = await store
        .query<Answer>({
          name: 'answers',
          text: `select id, finished_at as "finishedAt", attempt_count as attempts from cloudcode.runs where state = 'succeeded' and finished_at >= $1 order by finished_at`,
          values: [new Date(newest.getTime() - overlapMs)],
        })
        .catch(() => []);
      for (const answer of answers) if (!answered.has(answer.id)) answered.set(answer.id, answer);
      newest = answers.at(-1)?.finishedAt ?? newest;
    }
  };
  void watch();
  return { stop: () => (isOver = true) };
}

async function countUnfinished({ store }: Stage): Promise<number> {
  const [row] = await store.query<{ count: number }>({
    name: 'unfinished',
    text: "select count(*)::integer as count from cloudcode.runs where state in ('queued', 'running')",
  });
  return row?.count ?? 0;
}

async function allRuns({ store }: Stage): Promise<readonly Run[]> {
  const all: Run[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await listRuns(store, 'testing', { limit: 200, ...(typeof cursor === 'string' ? { cursor } : {}) });
    all.push(...page.runs);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

function assertNothingLost(runs: readonly Run[], confirmed: ReadonlyMap<string, number | null>): void {
  const byId = new Map(runs.map((run) => [run.id, run]));
  for (const [id, n] of confirmed) {
    const run = byId.get(id);
    assert.ok(run !== undefined, `run ${id} was confirmed, and is gone`);
    assert.equal(run.state, 'succeeded');
    if (n !== null) assert.equal(run.result, n);
  }
  for (const fan of runs.filter(({ task }) => task === 'fan')) {
    for (const id of fan.result as readonly string[])
      assert.ok(byId.has(id), `run ${id} was confirmed to its task, and is gone`);
  }
}

function assertAnswersKept(runs: readonly Run[], answered: ReadonlyMap<string, Answer>): void {
  for (const run of runs) {
    assert.equal(run.attempts.filter(({ outcome }) => outcome === 'returned').length, 1, `run ${run.id}`);
    assert.equal(run.attempts.at(-1)?.outcome, 'returned', 'nothing after the answer');
    const seen = answered.get(run.id);
    if (seen !== undefined)
      assert.deepEqual([run.finishedAt, run.attempts.length], [seen.finishedAt.toISOString(), seen.attempts]);
  }
}

function assertOneAtATimeInOrder(notes: string): void {
  const lines = notes
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { what: string; queue: string | null; n: number });
  assert.deepEqual(
    lines.filter(({ what }) => what === 'overlap'),
    [],
  );
  const last = new Map<string, number>();
  for (const { queue, n } of lines) {
    if (queue === null) continue;
    assert.ok(n >= (last.get(queue) ?? 0), `${queue}: ${n} after ${last.get(queue)}`);
    last.set(queue, n);
  }
}
