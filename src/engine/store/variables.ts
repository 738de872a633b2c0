import type { IsoTime } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

/** A variable that was set, as it is kept: plain, or sealed with the environment's data key. */
export interface StoredVariable {
  readonly name: string;
  readonly value: string | null;
  /** In base64. */
  readonly sealed: string | null;
}

export interface WrappedDataKey {
  /** In base64. */
  readonly wrapped: string;
  readonly masterKeyId: string;
}

/** All that an environment gives its tasks, as of one moment. */
export interface StoredVariables {
  readonly environment: string;
  /** Grows at each change. */
  readonly version: string;
  /** Of the project's configuration. */
  readonly configured: Readonly<Record<string, string>>;
  readonly set: readonly StoredVariable[];
  /** Null where none was ever masked. */
  readonly dataKey: WrappedDataKey | null;
}

/** Null when there is no such environment. */
export async function readVariables(db: Queryable, environmentId: number): Promise<StoredVariables | null> {
  const [found] = await db.query<StoredVariables>({
    name: 'environment_facts',
    text: `
      select e.name as environment, e.variables_version::text as version, e.variables as configured,
        (
          select coalesce(json_agg(json_build_object('name', v.name, 'value', v.value, 'sealed', encode(v.sealed, 'base64')) order by v.name), '[]')
          from cloudcode.variables v where v.environment_id = e.id
        ) as set,
        (
          select json_build_object('wrapped', encode(k.wrapped, 'base64'), 'masterKeyId', k.master_key_id)
          from cloudcode.data_keys k where k.environment_id = e.id
        ) as "dataKey"
      from cloudcode.environments e where e.id = $1`,
    values: [environmentId],
  });
  return found ?? null;
}

/** One that is shown: of a masked one no value. */
export interface ListedVariable {
  readonly name: string;
  readonly value: string | null;
  readonly masked: boolean;
  /** Where its value comes from; what was set counts before the configuration. */
  readonly source: 'set' | 'configuration';
  /** Null for one of the configuration. */
  readonly setAt: IsoTime | null;
}

/** By name. */
export function listVariables(db: Queryable, environmentId: number): Promise<readonly ListedVariable[]> {
  return db.query<ListedVariable>({
    name: 'list_variables',
    text: `
      select coalesce(v.name, c.key) as name, case when v.name is null then c.value else v.value end as value, v.sealed is not null as masked,
        case when v.name is null then 'configuration' else 'set' end as source, cloudcode.iso(v.set_at) as "setAt"
      from (select name, value, sealed, set_at from cloudcode.variables where environment_id = $1) v
        full join (
          select each.key, each.value from cloudcode.environments e cross join lateral json_each_text(e.variables) each where e.id = $1
        ) c on c.key = v.name
      order by coalesce(v.name, c.key) collate "C"`,
    values: [environmentId],
  });
}

/** The environment must be locked. */
export async function upsertVariables(
  db: Queryable,
  environmentId: number,
  variables: readonly StoredVariable[],
): Promise<void> {
  await db.query({
    name: 'upsert_variables',
    text: `
      insert into cloudcode.variables (environment_id, name, value, sealed)
      select $1, v.name, v.value, decode(v.sealed, 'base64') from json_to_recordset($2) as v (name text, value text, sealed text)
      on conflict (environment_id, name) do update set value = excluded.value, sealed = excluded.sealed, set_at = now()`,
    values: [environmentId, JSON.stringify(variables)],
  });
}

/** The environment must be locked. */
export async function deleteVariables(db: Queryable, environmentId: number, names: readonly string[]): Promise<void> {
  await db.query({
    name: 'delete_variables',
    text: 'delete from cloudcode.variables where environment_id = $1 and name = any ($2)',
    values: [environmentId, names],
  });
}

/** Runners keep variables by their version. The environment must be locked. */
export async function growVariablesVersion(db: Queryable, environmentId: number): Promise<void> {
  await db.query({
    name: 'grow_variables_version',
    text: 'update cloudcode.environments set variables_version = variables_version + 1 where id = $1',
    values: [environmentId],
  });
}
