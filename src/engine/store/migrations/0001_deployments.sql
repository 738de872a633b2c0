-- Environments with their variables, and what is deployed to them: tasks with their bundles, packages and files, and what an extension adds.

create table cloudcode.environments (
  id                 integer generated always as identity primary key,
  name               text not null unique,
  -- What process.env holds in the environment's tasks: { NAME: value }.
  variables          json not null default '{}',
  -- Grows whenever they change, or those that are set one by one: runners keep them by it.
  variables_version  bigint not null default 1,
  deployment_id      bigint,
  -- Finished runs are kept for a time and up to a number. Those that are dead are kept until somebody decides: they wait for another try.
  keep_days          integer not null default 30 check (keep_days > 0),
  keep_runs          integer not null default 1000000 check (keep_runs >= 0),
  created_at         timestamptz not null default now(),
  -- While it is being deleted: nothing is added to it any more.
  deleting_at        timestamptz
);

insert into cloudcode.environments (name) values ('testing'), ('staging'), ('production');

-- Variables that were set one by one: they count before those of a project's configuration. Whoever changes them holds the row of the environment, and lets its variables_version grow.
create table cloudcode.variables (
  environment_id  integer not null references cloudcode.environments,
  name            text not null,
  -- Null where it is masked.
  value           text,
  -- Nonce, what AES-256-GCM makes of the value with the data key of the environment, tag. Bound to the names of the environment and the variable.
  sealed          bytea,
  set_at          timestamptz not null default now(),
  primary key (environment_id, name),
  constraint plain_or_sealed check ((value is null) <> (sealed is null))
);

-- What masked variables are encrypted with, of each environment that has had one.
create table cloudcode.data_keys (
  environment_id  integer primary key references cloudcode.environments,
  -- As in variables, with the master key, which is kept outside of the database.
  wrapped         bytea not null,
  -- Tells master keys apart; nothing can be concluded from it.
  master_key_id   text not null
);

-- A bundled task, by the SHA-256 of what it consists of. Immutable.
create table cloudcode.bundles (
  hash        text primary key,
  code        text not null,
  source_map  text not null,
  format      text not null check (format in ('cjs', 'esm')),
  -- When somebody who deploys last asked for it, before there is a deployment that has it. Null: a deployment brought it.
  needed_at   timestamptz
);

-- A data model as JSON, by its SHA-256. Immutable.
create table cloudcode.data_models (
  hash   text primary key,
  model  json not null
);

-- Bytes that are being stored, or were. Those of a content that is whole are named by it; others were left behind.
create table cloudcode.uploads (
  id              bigint generated always as identity primary key,
  touched_at      timestamptz not null default now(),
  -- Whose API may still add to it; null: nobody, as it is complete, or is stored by a process of CloudCode itself.
  environment_id  integer references cloudcode.environments
);
create index uploads_of_environment on cloudcode.uploads (environment_id) where environment_id is not null;

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

create table cloudcode.deployments (
  id               bigint generated always as identity primary key,
  environment_id   integer not null references cloudcode.environments,
  -- SHA-256 of all tasks and their config, so that deploying the same again makes no new deployment: the state of a project wherever its folder lies.
  digest           text not null,
  -- The same of its settings: variables, retention, queues.
  settings_digest  text,
  -- What they are: { variables, retention, policies }. Who activates the deployment again has them again.
  settings         json not null,
  -- The folder that was deployed, on the machine that deployed it: packages left outside a bundle are resolved from it. '': it was sent to a server.
  folder           text not null,
  data_model_hash  text references cloudcode.data_models,
  -- The folder that it is on each machine; all null: it has none, and its tasks use the project's.
  tree_hash        text references cloudcode.package_trees,
  files_hash       text references cloudcode.contents,
  -- The project's folder, from the root of the tree: '' or 'apps/jobs'.
  project_path     text,
  created_at       timestamptz not null default now(),
  -- The deployment that it has brought back: it is made of the same.
  restores         bigint references cloudcode.deployments,
  -- Set when its tasks were deleted, and its bundles and data model where no other deployment has them. Its row and digest stay.
  pruned_at        timestamptz,
  constraint contents_have_a_place check (project_path is not null or (tree_hash is null and files_hash is null)),
  constraint pruned_has_no_data_model check (pruned_at is null or data_model_hash is null),
  constraint pruned_has_no_contents check (pruned_at is null or (tree_hash is null and files_hash is null))
);
alter table cloudcode.environments add foreign key (deployment_id) references cloudcode.deployments;
create index deployments_whole on cloudcode.deployments (environment_id, id) where pruned_at is null;
-- To delete a data model, a bundle or contents is to look for what refers to it.
create index deployments_of_data_model on cloudcode.deployments (data_model_hash) where data_model_hash is not null;
create index deployments_of_tree on cloudcode.deployments (tree_hash) where tree_hash is not null;
create index deployments_of_files on cloudcode.deployments (files_hash) where files_hash is not null;

create table cloudcode.tasks (
  deployment_id   bigint not null references cloudcode.deployments,
  environment_id  integer not null references cloudcode.environments,
  name            text not null,
  bundle_hash     text not null references cloudcode.bundles,
  timeout_ms      bigint not null check (timeout_ms > 0),
  memory_mb       integer not null check (memory_mb > 0),
  max_attempts    integer not null check (max_attempts > 0),
  -- How its processes are started where the machine forks: what the task says, or else what its bundle needs; null: forked.
  worker_start    text check (worker_start in ('spawn', 'fork')),
  -- Its entry, from the project's folder: the bundle stands in that place. Null: with the other bundles of the machine.
  file            text,
  -- Packages that are loaded by Node alone.
  external        text[],
  -- The deployment whose code, packages and data model it goes on with, because it could not be built. Null: its own.
  kept_from       bigint references cloudcode.deployments,
  primary key (deployment_id, name)
);
-- A run whose task was removed since it was scheduled uses the newest deployment that has it.
create index tasks_newest on cloudcode.tasks (environment_id, name, deployment_id desc);
create index tasks_of_bundle on cloudcode.tasks (bundle_hash);

-- Deployments to come, each to be loaded by a runner before it is active; gone when whoever deploys it has the answer.
create table cloudcode.deployment_checks (
  id               bigint generated always as identity primary key,
  environment_id   integer not null references cloudcode.environments,
  -- [{ name, bundleHash, bundleFormat, file, external, memoryMb, workerStart }]
  tasks            json not null,
  -- Of its configuration: { NAME: value }.
  variables        json not null,
  data_model_hash  text references cloudcode.data_models,
  tree_hash        text references cloudcode.package_trees,
  files_hash       text references cloudcode.contents,
  project_path     text not null,
  requested_at     timestamptz not null default now(),
  -- The runner that is at it.
  runner_id        uuid,
  -- How many tasks it has loaded, and when that last grew.
  done             integer not null default 0,
  touched_at       timestamptz,
  -- [{ task, message }], of those that could not be loaded; null while it is not done.
  problems         json,
  -- Tasks that ask for something while they load, which only a run can: what they do then was not checked.
  unchecked        text[] not null default '{}'
);
create index checks_of_data_model on cloudcode.deployment_checks (data_model_hash) where data_model_hash is not null;
create index checks_of_tree on cloudcode.deployment_checks (tree_hash) where tree_hash is not null;
create index checks_of_files on cloudcode.deployment_checks (files_hash) where files_hash is not null;

-- Tasks that could not be built when a deployment was made. Those that were never good have no row in `tasks`.
create table cloudcode.broken_tasks (
  deployment_id  bigint not null references cloudcode.deployments,
  name           text not null,
  -- { code, message, hint }
  problem        json not null,
  primary key (deployment_id, name)
);
