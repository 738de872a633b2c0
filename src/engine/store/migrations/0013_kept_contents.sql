-- Packages and files are part of a deployment: kept once for each content, and laid out by the runners of each machine.

-- Bytes that are being stored, or were. Those of a content that is whole are named by it; others were left behind.
create table cloudcode.uploads (
  id          bigint generated always as identity primary key,
  touched_at  timestamptz not null default now()
);

-- The bytes of all files of a content, one after another, as one stream of zstd that is cut into pieces.
create table cloudcode.content_parts (
  upload_id  bigint not null references cloudcode.uploads on delete cascade,
  number     integer not null check (number >= 0),
  data       bytea not null,
  primary key (upload_id, number)
);
-- Compressed already.
alter table cloudcode.content_parts alter column data set storage external;

-- The files of a package, or of a project besides its code, by the SHA-256 of what they consist of. Immutable.
create table cloudcode.contents (
  hash        text primary key,
  -- `pg@8.16.0`, or `files`.
  name        text not null,
  bytes       bigint not null,
  -- [{ path, bytes, isExecutable }], in the order of the bytes.
  files       json not null,
  upload_id   bigint not null unique references cloudcode.uploads,
  -- When a deployment last asked for it: one that is under way may be about to refer to it.
  needed_at   timestamptz not null default now()
);

-- Where packages stand. Immutable.
create table cloudcode.package_trees (
  hash  text primary key,
  -- { folders: [{ path, hash }], links: [{ path, target }] }
  tree  json not null
);

create table cloudcode.package_tree_contents (
  tree_hash     text not null references cloudcode.package_trees on delete cascade,
  content_hash  text not null references cloudcode.contents,
  primary key (tree_hash, content_hash)
);
create index package_trees_of_content on cloudcode.package_tree_contents (content_hash);

-- The folder that a deployment is on each machine; all null: it has none, and its tasks use the project's.
alter table cloudcode.deployments
  add column tree_hash text references cloudcode.package_trees,
  add column files_hash text references cloudcode.contents,
  -- The project's folder, from the root of the tree: '' or 'apps/jobs'.
  add column project_path text,
  add constraint contents_have_a_place check (project_path is not null or (tree_hash is null and files_hash is null)),
  add constraint pruned_has_no_contents check (pruned_at is null or (tree_hash is null and files_hash is null));
create index deployments_of_tree on cloudcode.deployments (tree_hash) where tree_hash is not null;
create index deployments_of_files on cloudcode.deployments (files_hash) where files_hash is not null;

alter table cloudcode.tasks
  -- Its entry, from the project's folder: the bundle stands in that place. Null: with the other bundles of the machine.
  add column file text,
  -- Packages that are loaded by Node alone.
  add column external text[];
