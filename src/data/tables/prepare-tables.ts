import { setTimeout as sleep } from 'node:timers/promises';
import type { DataModel } from '../../core/data-model.ts';
import { CloudCodeError } from '../../core/errors.ts';
import { sqlState, type Store } from '../../store/open-store.ts';
import { schemaName } from '../target.ts';
import { refuseConflicts } from './refuse-conflicts.ts';
import { planTables } from './plan-tables.ts';
import { readTables } from './read-tables.ts';
import type { Step } from './step.ts';

export type OnProgress = (what: string) => void;

/** How long one try waits for a table's lock: others queue behind it meanwhile. */
const lockTimeout = '1s';
const lockNotAvailable = '55P03';
const patienceMs = 30_000;
const deployPatienceMs = 600_000;
const longestPauseMs = 3_000;

/**
 * Brings the tables of an environment to a data model, while tasks go on. Adds; never takes data away. What was begun by a deployment that was cut off is
 * finished by the next.
 * @throws CloudCodeError `data_model_conflict` before anything is changed, `deploy_blocked`
 */
export async function prepareTables(store: Store, environment: string, model: DataModel, onProgress: OnProgress = () => undefined): Promise<void> {
  const schema = schemaName(environment);
  // The lock is held by a transaction that does nothing else: an index cannot be built inside of one.
  await store.transaction(async (lock) => {
    for (const end = performance.now() + deployPatienceMs, pauseMs = 200; ; await sleep(pauseMs)) {
      const [row] = await lock.query<{ locked: boolean }>({
        name: 'lock_tables', text: 'select pg_try_advisory_xact_lock(hashtextextended($1, 6016309)) as locked', values: [schema],
      });
      if (row?.locked === true) break;
      if (performance.now() > end) throw new CloudCodeError('deploy_blocked', `Another deployment to \`${environment}\` has been changing its tables for ${deployPatienceMs / 60_000} minutes.`, { hint: 'Wait for it, or end it, and deploy again.' });
    }
    await checkCollation(store);
    const { steps, conflicts } = planTables(schema, await readTables(store, schema), model);
    await refuseConflicts(store, schema, conflicts);
    for (const step of steps) {
      onProgress(step.says);
      await (step.locks === null ? run(store, step) : runLocking(store, step, step.locks));
    }
  });
}

async function run(store: Store, { sql }: Step): Promise<void> {
  for (const text of sql) await store.query({ name: '', text });
}

/** Waits for the table's lock for a second at a time, so that nobody waits long behind it. */
async function runLocking(store: Store, step: Step, table: string): Promise<void> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      await store.transaction(async (db) => {
        await db.query({ name: '', text: `set local lock_timeout = '${lockTimeout}'` });
        for (const text of step.sql) await db.query({ name: '', text });
      });
      return;
    } catch (error) {
      if (sqlState(error) !== lockNotAvailable) throw error;
      if (performance.now() > end) throw await blocked(store, step, table);
    }
    await sleep(pauseMs);
  }
}

async function blocked(store: Store, step: Step, table: string): Promise<CloudCodeError> {
  const blockers = await store.query<{ pid: number; since: string; application: string }>({
    name: '',
    text: `
      select distinct a.pid, cloudcode.iso(a.xact_start) as since, a.application_name as application
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.relation = $1::regclass and l.granted and a.pid <> pg_backend_pid()`,
    values: [table],
  });
  const who = blockers.map(({ pid, since, application }) => `process ${pid} (${application}) since ${since}`).join(', ');
  return new CloudCodeError('deploy_blocked', `The data model is not deployed: ${step.says} waited ${patienceMs / 1000} s for a transaction on ${table} to end${who === '' ? '' : `: ${who}`}.`, {
    hint: 'End that transaction, or wait for it, and deploy again: what is done already is kept.',
  });
}

async function checkCollation(store: Store): Promise<void> {
  const rows = await store.query({ name: 'has_icu', text: `select 1 from pg_collation where collname = 'und-x-icu'` });
  if (rows.length > 0) return;
  throw new CloudCodeError('data_model_conflict', 'The PostgreSQL server has no collation "und-x-icu": it was built without ICU, which `contains` and `starts with` need.', { hint: 'Use a build with ICU: those of the PostgreSQL project and of the distributions have it.' });
}
