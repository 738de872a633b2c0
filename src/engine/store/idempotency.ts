import type { Queryable } from './open-store.ts';

/** A request with an Idempotency-Key. */
export interface KeyedRequest {
  /** Empty: of none. */
  readonly environment: string;
  readonly operation: string;
  readonly key: string;
  /** SHA-256 of what is asked for. */
  readonly asked: Uint8Array;
}

export interface KeptAnswer {
  readonly status: number;
  readonly location: string | null;
  /** JSON. */
  readonly text: string;
}

/**
 * Takes the key for this transaction. Where another transaction has taken it, waits for its end. A key counts for 24 hours.
 * @returns whether it was free; false also where there is no such environment
 */
export async function takeKey(db: Queryable, { environment, operation, key, asked }: KeyedRequest): Promise<boolean> {
  const taken = await db.query({
    name: 'take_idempotency_key',
    text: `
      insert into cloudcode.idempotency_keys as kept (environment_id, operation, key, asked)
      select e.id, $2, $3, $4 from (select id, name from cloudcode.environments union all select 0, '') e where e.name = $1
      on conflict (environment_id, operation, key) do update
        set asked = excluded.asked, created_at = excluded.created_at, status = null, location = null, answer = null
        where kept.created_at < now() - interval '24 hours'
      returning 1`,
    values: [environment, operation, key, asked],
  });
  return taken.length > 0;
}

/** The answer of the transaction that took the key before, and whether it was asked for the same. */
export async function readKeptAnswer(
  db: Queryable,
  { environment, operation, key, asked }: KeyedRequest,
): Promise<(KeptAnswer & { readonly isSame: boolean }) | null> {
  const [row] = await db.query<KeptAnswer & { isSame: boolean }>({
    name: 'read_kept_answer',
    text: `
      select k.status, k.location, k.answer as text, k.asked = $4 as "isSame"
      from cloudcode.idempotency_keys k join (select id, name from cloudcode.environments union all select 0, '') e on e.id = k.environment_id
      where e.name = $1 and k.operation = $2 and k.key = $3`,
    values: [environment, operation, key, asked],
  });
  return row ?? null;
}

export async function keepAnswer(
  db: Queryable,
  { environment, operation, key }: KeyedRequest,
  { status, location, text }: KeptAnswer,
): Promise<void> {
  await db.query({
    name: 'keep_answer',
    text: `
      update cloudcode.idempotency_keys k set status = $4, location = $5, answer = $6
      from (select id, name from cloudcode.environments union all select 0, '') e where e.name = $1 and k.environment_id = e.id and k.operation = $2 and k.key = $3`,
    values: [environment, operation, key, status, location, text],
  });
}

/** Prunes up to `limit` keys that do not count any more. Several runners may do so at once. @returns how many */
export async function deleteOldKeys(db: Queryable, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'delete_old_idempotency_keys',
    text: `
      delete from cloudcode.idempotency_keys where (environment_id, operation, key) in (
        select environment_id, operation, key from cloudcode.idempotency_keys
        where created_at < now() - interval '24 hours' order by created_at limit $1 for update skip locked
      ) returning 1`,
    values: [limit],
  });
  return rows.length;
}
