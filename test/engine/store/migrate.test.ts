import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { claimRuns } from '../../../src/engine/store/claim-runs.ts';
import { takeLease } from '../../../src/engine/store/runners.ts';
import { storeAnswer } from '../../../src/engine/store/store-answer.ts';
import { migrate } from '../../../src/engine/store/migrate.ts';
import { openStore, type Store } from '../../../src/engine/store/open-store.ts';
import { testDatabaseUrl } from '../../support/postgres.ts';
import { endOf, noopTask } from '../../support/store.ts';

test('several starters may migrate one database at once, and again later', async () => {
  const database = await testDatabaseUrl();
  const stores = await Promise.all([1, 2, 3].map(() => openStore({ url: database.url })));
  try {
    await Promise.all(stores.map((store) => migrate(store)));
    await Promise.all(stores.map((store) => migrate(store)));
    const [first] = stores;
    const rows = await first?.query<{ number: number }>({
      name: '',
      text: 'select number from cloudcode.migrations order by number',
    });
    assert.deepEqual(
      rows?.map((row) => row.number),
      rows?.map((_, index) => index + 1),
    );
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await database.dispose();
  }
});

test('a database that a later version migrated is refused and left alone', async () => {
  const database = await testDatabaseUrl();
  const store = await openStore({ url: database.url });
  try {
    await migrate(store);
    await store.query({
      name: '',
      text: "insert into cloudcode.migrations (number, name) values (9999, '9999_later.sql')",
    });
    await assert.rejects(migrate(store), { code: 'database_newer', message: /migration 9999/ });
  } finally {
    await store.close();
    await database.dispose();
  }
});

test('a server that does not answer, and a wrong password, are one clear error', async () => {
  await assert.rejects(openStore({ url: 'postgres://nobody@127.0.0.1:1/none' }), {
    code: 'database_unreachable',
    message: /cannot be reached.*ECONNREFUSED/,
  });
  const database = await testDatabaseUrl();
  await assert.rejects(openStore({ url: database.url.replace(/\/test_[0-9a-f]+/, '/there_is_no_such_database') }), {
    code: 'database_unreachable',
  });
  await database.dispose();
});

/** Brings a database to the schema of an earlier version. */
async function migrateTo(store: Store, number: number): Promise<void> {
  const folder = join(packageRoot, 'src/engine/store/migrations');
  await store.query({
    name: '',
    text: 'create schema cloudcode; create table cloudcode.migrations (number integer primary key, name text not null, applied_at timestamptz not null default now())',
  });
  for (const name of readdirSync(folder).sort().slice(0, number)) {
    await store.query({ name: '', text: readFileSync(join(folder, name), 'utf8') });
    await store.query({
      name: '',
      text: 'insert into cloudcode.migrations (number, name) values ($1, $2)',
      values: [Number(name.slice(0, 4)), name],
    });
  }
}

test('what was under way in the database of the version before answers is finished after it was brought up to date, and what had ended is as it was', async () => {
  const database = await testDatabaseUrl();
  const store = await openStore({ url: database.url });
  try {
    await migrateTo(store, 14);
    await deployProject(store, 'testing', { folder: '/nowhere', tasks: [noopTask], config: { queues: {} } });
    const runnerId = randomUUID();
    await takeLease(store, { id: runnerId, host: 'test', pid: 1, processIdentity: null, leaseMs: 600_000 });
    for (let number = 0; number < 4; number += 1)
      await scheduleRun(store, 'testing', { task: 'noop', queue: `q${number}` });
    const runs = await claimRuns(store, { runnerId, limit: 10, after: 0 });
    const [over, answering, ending, lost] = runs;
    assert.ok(over !== undefined && answering !== undefined && ending !== undefined && lost !== undefined);
    // As that version ended it.
    await store.query({
      name: '',
      text: `
      update cloudcode.runs set state = 'succeeded', runner_id = null, result = '[1]', finished_at = now() where id = '${over.id}';
      update cloudcode.attempts set outcome = 'returned', finished_at = now() where run_id = '${over.id}'`,
    });
    await migrate(store);
    assert.equal(
      await storeAnswer(store, {
        runId: answering.id,
        fence: answering.fence,
        number: 1,
        outcome: 'returned',
        resultJson: '[2]',
        error: null,
      }),
      true,
    );
    assert.deepEqual(
      await finishAttempts(store, [endOf(answering, 'lost'), endOf(ending, 'returned'), endOf(lost, 'lost')]),
      ['succeeded', 'succeeded', 'scheduled'],
    );
    const now = await Promise.all(runs.map((run) => getRun(store, 'testing', run.id)));
    assert.deepEqual(
      now.map(({ state, result }) => [state, result]),
      [
        ['succeeded', [1]],
        ['succeeded', [2]],
        ['succeeded', 1],
        ['scheduled', null],
      ],
    );
    assert.deepEqual(
      now.map(({ attempts }) => attempts.map(({ outcome }) => outcome)),
      [['returned'], ['returned'], ['returned'], ['lost']],
    );
  } finally {
    await store.close();
    await database.dispose();
  }
});
