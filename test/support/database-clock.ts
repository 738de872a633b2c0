import type { Queryable } from '../../src/engine/store/open-store.ts';
import { runOn, type TestDatabase } from './postgres.ts';

/**
 * Gives a fresh database a clock that stands still until it is set. Every `now()` of the product's own statements, triggers and views is looked up by its
 * name when they are made, and so finds this one in PostgreSQL's place (our sessions look in no other schema first). To be called before anything is connected or migrated.
 */
export async function stopClock({ url }: TestDatabase): Promise<void> {
  await runOn(
    url,
    `
    create schema test_clock;
    create table test_clock.time (at timestamptz not null);
    insert into test_clock.time values ('epoch');
    alter function pg_catalog.now() rename to real_now;
    create function pg_catalog.now() returns timestamptz language sql stable as 'select at from test_clock.time'`,
  );
}

export async function setClock(db: Queryable, at: number): Promise<void> {
  await db.query({
    name: 'test_set_clock',
    text: 'update test_clock.time set at = $1',
    values: [new Date(at).toISOString()],
  });
}
