import type { FolderToKeep, KeptFile, PackageTree } from '../core/kept-folder.ts';
import type { Queryable } from './open-store.ts';

/** Notes that these are needed now: for an hour nobody deletes them. @returns those that are there */
export async function markContents(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ hash: string }>({
    name: 'mark_contents',
    text: `
      with stale as (
        -- In one order, so that deployments do not wait for each other in a circle.
        select hash from cloudcode.contents where hash = any ($1::text[]) and needed_at < now() - interval '10 minutes' order by hash for update
      ), marked as (
        update cloudcode.contents set needed_at = now() where hash in (select hash from stale)
      )
      select hash from cloudcode.contents where hash = any ($1::text[])`,
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** Begins to store bytes, which nobody sees before a content names them. @param environmentId whose API adds to it; null: this process does */
export async function beginUpload(db: Queryable, environmentId: number | null = null): Promise<string> {
  const [row] = await db.query<{ id: string }>({
    name: 'begin_upload',
    text: 'insert into cloudcode.uploads (environment_id) values ($1) returning id::text as id',
    values: [environmentId],
  });
  if (row === undefined) throw new Error('the upload was not begun');
  return row.id;
}

export async function insertContentPart(
  db: Queryable,
  part: { readonly uploadId: string; readonly number: number; readonly data: Buffer },
): Promise<void> {
  const rows = await db.query({
    name: 'insert_content_part',
    text: `
      with touched as (
        update cloudcode.uploads set touched_at = now() where id = $1 returning id
      )
      insert into cloudcode.content_parts (upload_id, number, data) select id, $2, $3 from touched returning number`,
    values: [part.uploadId, part.number, part.data],
    limitMs: 60_000,
  });
  if (rows.length === 0) throw new Error(`the upload ${part.uploadId} was deleted before it was finished`);
}

/** An upload of an environment's API. */
export interface EnvironmentUpload {
  readonly environmentId: number;
  readonly uploadId: string;
}

/** The same piece sent again replaces itself. @returns false when there is no such upload, or it is complete */
export async function putUploadPart(
  db: Queryable,
  { environmentId, uploadId, number, data }: EnvironmentUpload & { readonly number: number; readonly data: Buffer },
): Promise<boolean> {
  const rows = await db.query({
    name: 'put_upload_part',
    text: `
      with touched as (
        update cloudcode.uploads set touched_at = now() where id = $1 and environment_id = $2 returning id
      )
      insert into cloudcode.content_parts (upload_id, number, data) select id, $3, $4 from touched
      on conflict (upload_id, number) do update set data = excluded.data
      returning number`,
    values: [uploadId, environmentId, number, data],
    limitMs: 60_000,
  });
  return rows.length > 0;
}

/** From now on nobody adds to it. @returns false when there is no such upload, or somebody has completed it */
export async function completeUpload(db: Queryable, { environmentId, uploadId }: EnvironmentUpload): Promise<boolean> {
  const rows = await db.query({
    name: 'complete_upload',
    text: 'update cloudcode.uploads set environment_id = null, touched_at = now() where id = $1 and environment_id = $2 returning id',
    values: [uploadId, environmentId],
  });
  return rows.length > 0;
}

/** Makes an upload that is complete a content. @returns false when somebody was faster */
export async function insertContent(
  db: Queryable,
  { hash, name, files }: Pick<FolderToKeep, 'hash' | 'name' | 'files'>,
  uploadId: string,
): Promise<boolean> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const rows = await db.query({
    name: 'insert_content',
    text: 'insert into cloudcode.contents (hash, name, bytes, files, upload_id) values ($1, $2, $3, $4, $5) on conflict (hash) do nothing returning hash',
    values: [hash, name, bytes, JSON.stringify(files), uploadId],
  });
  return rows.length > 0;
}

export async function deleteUpload(db: Queryable, uploadId: string): Promise<void> {
  await db.query({
    name: 'delete_upload',
    text: 'delete from cloudcode.uploads where id = $1',
    values: [uploadId],
    limitMs: 60_000,
  });
}

/** For the rest of the transaction no content and no tree is deleted. @returns those of these contents that are there */
export async function holdContents(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  await db.query({ name: 'hold_contents', text: 'lock table cloudcode.contents in row exclusive mode' });
  return readKnownContents(db, hashes);
}

/** Contents must be there, and held. */
export async function insertPackageTree(db: Queryable, { hash, folders, links }: PackageTree): Promise<void> {
  await db.query({
    name: 'insert_package_tree',
    text: `
      with tree as (
        insert into cloudcode.package_trees (hash, tree) values ($1, $2) on conflict (hash) do nothing returning hash
      )
      insert into cloudcode.package_tree_contents (tree_hash, content_hash) select tree.hash, content from tree, unnest($3::text[]) content`,
    values: [hash, JSON.stringify({ folders, links }), [...new Set(folders.map((folder) => folder.hash))]],
    limitMs: 60_000,
  });
}

/** Null when it is not there. */
export async function readPackageTree(db: Queryable, hash: string): Promise<Omit<PackageTree, 'hash'> | null> {
  const [row] = await db.query<{ tree: Omit<PackageTree, 'hash'> }>({
    name: 'read_package_tree',
    text: 'select tree from cloudcode.package_trees where hash = $1',
    values: [hash],
  });
  return row?.tree ?? null;
}

/** What is stored of a content, without its bytes. */
export interface StoredContent {
  readonly hash: string;
  readonly name: string;
  readonly files: readonly KeptFile[];
  readonly uploadId: string;
}

export function readContents(db: Queryable, hashes: readonly string[]): Promise<readonly StoredContent[]> {
  return db.query<StoredContent>({
    name: 'read_contents',
    text: 'select hash, name, files, upload_id::text as "uploadId" from cloudcode.contents where hash = any ($1::text[])',
    values: [hashes],
    limitMs: 60_000,
  });
}

/** Null after the last. */
export async function readContentPart(
  db: Queryable,
  part: { readonly uploadId: string; readonly number: number },
): Promise<Buffer | null> {
  const [row] = await db.query<{ data: Buffer }>({
    name: 'read_content_part',
    text: 'select data from cloudcode.content_parts where upload_id = $1 and number = $2',
    values: [part.uploadId, part.number],
    limitMs: 60_000,
  });
  return row?.data ?? null;
}

/** Those of these contents that are there. */
export async function readKnownContents(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ hash: string }>({
    name: 'known_contents',
    text: 'select hash from cloudcode.contents where hash = any ($1::text[])',
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** Those of these trees that are there. */
export async function readKnownTrees(db: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ hash: string }>({
    name: 'known_trees',
    text: 'select hash from cloudcode.package_trees where hash = any ($1::text[])',
    values: [hashes],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** What the folder of a deployment is made of, on each machine. */
export interface DeployedFolder {
  readonly treeHash: string | null;
  readonly filesHash: string | null;
  readonly projectPath: string;
}

/** Of all deployments that are whole, each once. */
export function readDeployedFolders(db: Queryable): Promise<readonly DeployedFolder[]> {
  return db.query<DeployedFolder>({
    name: 'deployed_folders',
    text: `
      select distinct tree_hash as "treeHash", files_hash as "filesHash", project_path as "projectPath"
      from cloudcode.deployments where pruned_at is null and project_path is not null`,
  });
}
