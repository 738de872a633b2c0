-- The environments that are there from the start, variables that are set one by one, and the keys of those that are masked.

insert into cloudcode.environments (name) values ('testing'), ('staging'), ('production') on conflict do nothing;

-- While it is being deleted: nothing is added to it any more.
alter table cloudcode.environments add column deleting_at timestamptz;

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
