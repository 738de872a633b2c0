import type { Queryable } from '../../src/store/open-store.ts';
import { runOn, type TestDatabase } from './postgres.ts';

/**
 * Gives a fresh database a clock that stands still until it is set. Every `now()` of the product's own statements, triggers and views is looked up by its
 * unqualified name when they are made, and so finds this one before PostgreSQL's. To be called before anything is connected or migrated.
 */
export async function stopClock({ url }: TestDatabase): Promise<void> {
  await runOn(url, `
    create schema test_clock;
    create table test_clock.time (at timestamptz not null);
    insert into test_clock.time values ('epoch');
    create function test_clock.now() returns timestamptz language sql stable as 'select at from test_clock.time';
    do $$ begin execute format('alter database %I set search_path = test_clock, pg_catalog, public', current_database()); end $$`);
}

export async function setClock(db: Queryable, at: number): Promise<void> {
  await db.query({ name: 'test_set_clock', text: 'update test_clock.time set at = $1', values: [new Date(at).toISOString()] });
}
