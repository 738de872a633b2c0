import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { databaseServer } from '../../src/engine/store/database-url.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { cloudcode } from '../cli/cloudcode.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';

for (const order of ['last', 'first'] as const) {
  test(
    `a pooler that gives each transaction the session used ${order} is found at the start, refused with the cure, and nothing is changed`,
    { timeout: 120_000 },
    async () => {
      const database = await testDatabaseUrl();
      const empty = mkdtempSync(join(tmpdir(), 'cloudcode-empty-'));
      try {
        const server = databaseServer(database.url);
        await using pooler = await startTransactionPooler(server.connect, order);
        const finished = await cloudcode(['runs', '--json', '--database', server.throughPort(pooler.port)], {
          cwd: empty,
        });
        assert.equal(finished.status, 5, finished.stdout + finished.stderr);
        assert.match(finished.stderr, /database_pooled[\s\S]*PostgreSQL server itself[\s\S]*pool_mode = session/);
        assert.equal((JSON.parse(finished.stdout) as { code: string }).code, 'database_pooled');
        assert.doesNotMatch(finished.stderr, /internal|^ +at /m);
        await using store = await openStore({ url: database.url });
        assert.deepEqual(await store.query({ name: '', text: "select to_regnamespace('cloudcode')::text as found" }), [
          { found: null },
        ]);
      } finally {
        rmSync(empty, { recursive: true, force: true });
        await database.dispose();
      }
    },
  );
}
