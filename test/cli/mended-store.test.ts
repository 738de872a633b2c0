import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { checkStore } from '../../src/engine/store/check-store.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { migratedDatabase } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode } from './cloudcode.ts';

test('start says in one line what it has mended of the tables of what can be claimed, of which run and queue', async () => {
  const folder = writeProject({ echo: 'export async function run() { return 1; }' });
  const database = await migratedDatabase();
  const at = ['--project', folder, '--database', database.url];
  try {
    await using store = await openStore({ url: database.url });
    assert.equal((await cloudcode(['deploy', ...at])).status, 0);
    const { id } = documentOf<Run>(await cloudcode(['schedule', 'echo', '--json', ...at]));
    // Of a run that is not there, in front of the one that is.
    const nobody = randomUUID();
    await store.query({
      name: '',
      text: `
        insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue)
        select environment_id, wake_at, seq - 1, $1, due_at, $2 from cloudcode.ready where run_id = $3`,
      values: [nobody, 'mail\u001B[31m\nagain', id],
    });
    assert.equal((await checkStore(store)).length, 1);
    await using started = startCloudcode(['start', '--port', '0', ...at]);
    const [line] = await started.says(/^.* mended: .*$/m);
    assert.match(line, /the tables of what can be claimed were mended: 1 row was not as the runs are \(.*\)$/);
    assert.ok(line.includes('of queue mail\\e[31m\\nagain') && line.includes(nobody), JSON.stringify(line));
    await until(20_000, 'the run behind it has succeeded', async () =>
      documentOf<Run>(await cloudcode(['runs', 'show', id, '--json', ...at])).state === 'succeeded' ? true : null,
    );
    assert.deepEqual(await checkStore(store), []);
    assert.equal(started.stderr().match(/ mended: the tables /g)?.length, 1);
  } finally {
    await database.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
