import type { Queryable } from './open-store.ts';

/** How long a lock is waited for: meanwhile others wait behind. */
const lockWait = "set local lock_timeout = '50ms'";

/** Deployments of an environment that nothing needs, oldest first. */
export interface OldDeployments {
  readonly environment: string;
  readonly ids: readonly string[];
}

/** @param keep so many of each environment, the newest, are not among them */
export function readOldDeployments(db: Queryable, keep: number): Promise<readonly OldDeployments[]> {
  return db.query<OldDeployments>({
    name: 'old_deployments',
    text: `
      select e.name as environment, array_agg(old.id::text order by old.id) as ids
      from cloudcode.environments e cross join lateral cloudcode.prunable_deployments(e.id, $1) old (id)
      -- Most have none: what is under way in them is not looked at.
      where exists (select from cloudcode.deployments d where d.environment_id = e.id and d.pruned_at is null order by d.id offset $1)
      group by e.id`,
    values: [keep],
    limitMs: 60_000,
  });
}

/**
 * Waits until every transaction has ended that may take an earlier deployment for the current one, and add a run of a task that the later ones do not have: those that have read `tasks`.
 * For the rest of the transaction nobody reads them.
 * @throws an error of a conflict when that takes too long
 */
export async function awaitReadersOfTasks(db: Queryable): Promise<void> {
  await db.query({ name: 'lock_wait', text: lockWait });
  await db.query({ name: 'await_readers_of_tasks', text: 'lock table cloudcode.tasks in access exclusive mode' });
}

/**
 * Deletes the tasks of those of these deployments of an environment that nothing needs, and marks them. The environment must be locked, and whoever may take one of them for the current one
 * must be done.
 * @returns how many
 */
export async function pruneDeployments(
  db: Queryable,
  environmentId: number,
  { ids, keep }: { readonly ids: readonly string[]; readonly keep: number },
): Promise<number> {
  const [row] = await db.query<{ count: number }>({
    name: 'prune_deployments',
    text: `
      with pruned as (
        update cloudcode.deployments set pruned_at = now(), data_model_hash = null, tree_hash = null, files_hash = null
        where id = any ($2::bigint[]) and id in (select cloudcode.prunable_deployments($1, $3))
        returning id
      ), deleted as (
        delete from cloudcode.tasks where deployment_id in (select id from pruned)
      ), deleted_broken as (
        delete from cloudcode.broken_tasks where deployment_id in (select id from pruned)
      )
      select count(*)::integer as count from pruned`,
    values: [environmentId, ids, keep],
    limitMs: 60_000,
  });
  return row?.count ?? 0;
}

/** Keeps deployments from being made, for the rest of the transaction: one that finds its bundle or its contents there does not store them, and refers to them later. @throws an error of a conflict when one takes too long */
export async function lockBundles(db: Queryable): Promise<void> {
  await db.query({ name: 'lock_wait', text: lockWait });
  await db.query({
    name: 'lock_bundles',
    text: 'lock table cloudcode.bundles, cloudcode.data_models, cloudcode.contents in share row exclusive mode',
  });
}

/** Deletes up to `limit` bundles and data models each that no deployment has, and bundles that nobody who deploys has asked for lately. They must be locked. @returns how many */
export async function deleteUnusedBundles(db: Queryable, limit: number): Promise<number> {
  const [row] = await db.query<{ count: number }>({
    name: 'delete_unused_bundles',
    text: `
      with bundles as (
        delete from cloudcode.bundles where hash in (
          select hash from cloudcode.bundles b
          where (needed_at is null or needed_at < now() - interval '1 hour') and not exists (select from cloudcode.tasks t where t.bundle_hash = b.hash)
          limit $1
        ) returning hash
      ), models as (
        delete from cloudcode.data_models where hash in (
          select hash from cloudcode.data_models m where not exists (select from cloudcode.deployments d where d.data_model_hash = m.hash)
            and not exists (select from cloudcode.deployment_checks k where k.data_model_hash = m.hash)
          limit $1
        ) returning hash
      )
      select count(*)::integer as count from (select hash from bundles union all select hash from models) deleted`,
    values: [limit],
  });
  return row?.count ?? 0;
}

/** Deletes up to `limit` package trees that no deployment has. They must be locked. @returns how many */
export async function deleteUnusedTrees(db: Queryable, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'delete_unused_trees',
    text: `
      delete from cloudcode.package_trees where hash in (
        select hash from cloudcode.package_trees p 
        where not exists (select from cloudcode.deployments d where d.tree_hash = p.hash)
          and not exists (select from cloudcode.deployment_checks k where k.tree_hash = p.hash)
        limit $1
      ) returning hash`,
    values: [limit],
    limitMs: 60_000,
  });
  return rows.length;
}

/** Deletes up to `limit` contents that nothing has and that no deployment has asked for lately. They must be locked. Their bytes are left for deleteLeftUploads. @returns how many */
export async function deleteUnusedContents(db: Queryable, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'delete_unused_contents',
    text: `
      delete from cloudcode.contents where hash in (
        select hash from cloudcode.contents c
        where needed_at < now() - interval '1 hour'
          and not exists (select from cloudcode.package_tree_contents p where p.content_hash = c.hash)
          and not exists (select from cloudcode.deployments d where d.files_hash = c.hash)
          and not exists (select from cloudcode.deployment_checks k where k.files_hash = c.hash)
        limit $1
      ) returning hash`,
    values: [limit],
    limitMs: 60_000,
  });
  return rows.length;
}

/** Deletes up to `limit` uploads, with their bytes, that no content names and that nobody goes on with. @returns how many */
export async function deleteLeftUploads(db: Queryable, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'delete_left_uploads',
    text: `
      delete from cloudcode.uploads where id in (
        select id from cloudcode.uploads u
        where touched_at < now() - interval '1 hour' and not exists (select from cloudcode.contents c where c.upload_id = u.id)
        limit $1 for update skip locked
      ) returning id`,
    values: [limit],
    limitMs: 60_000,
  });
  return rows.length;
}

/** Those of these bundles that are there. */
export async function readKnownBundles(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ hash: string }>({
    name: 'known_bundles',
    text: 'select hash from cloudcode.bundles where hash = any ($1::text[])',
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}
