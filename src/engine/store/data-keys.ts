import type { Queryable } from './open-store.ts';
import type { WrappedDataKey } from './variables.ts';

export interface DataKeyOf extends WrappedDataKey {
  readonly environmentId: number;
  readonly environment: string;
}

/** Of all environments that have had a masked variable. */
export function readDataKeys(db: Queryable): Promise<readonly DataKeyOf[]> {
  return db.query<DataKeyOf>({
    name: 'read_data_keys',
    text: `
      select k.environment_id as "environmentId", e.name as environment, encode(k.wrapped, 'base64') as wrapped, k.master_key_id as "masterKeyId"
      from cloudcode.data_keys k join cloudcode.environments e on e.id = k.environment_id order by k.environment_id`,
  });
}

/** Of an environment that is locked, and in which nothing is masked any more. */
export async function deleteUnusedDataKey(db: Queryable, environmentId: number): Promise<void> {
  await db.query({
    name: 'delete_unused_data_key',
    text: `
      delete from cloudcode.data_keys where environment_id = $1
        and not exists (select from cloudcode.variables v where v.environment_id = $1 and v.sealed is not null)`,
    values: [environmentId],
  });
}

/** For the rest of the transaction no data key is made or wrapped anew. */
export async function lockDataKeys(db: Queryable): Promise<void> {
  await db.query({ name: 'lock_data_keys', text: 'lock table cloudcode.data_keys in share row exclusive mode' });
}

/** Of an environment that is locked; takes the place of the one that it has. */
export async function putDataKey(
  db: Queryable,
  environmentId: number,
  { wrapped, masterKeyId }: WrappedDataKey,
): Promise<void> {
  await db.query({
    name: 'put_data_key',
    text: `
      insert into cloudcode.data_keys (environment_id, wrapped, master_key_id) values ($1, decode($2, 'base64'), $3)
      on conflict (environment_id) do update set wrapped = excluded.wrapped, master_key_id = excluded.master_key_id`,
    values: [environmentId, wrapped, masterKeyId],
  });
}
