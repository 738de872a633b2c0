-- What later work needs, so that it changes no table that is full by then. Nothing reads or writes these yet.

-- Runs that wait for other runs to finish.
create table cloudcode.waiting_for (
  waits_for  uuid not null,
  run_id     uuid not null,
  primary key (waits_for, run_id)
);

-- Waiting runs that may not begin after a time.
create table cloudcode.expiring (
  environment_id  integer not null,
  expires_at      timestamptz not null,
  run_id          uuid not null,
  primary key (environment_id, expires_at, run_id)
);

-- What a running attempt says of itself: apart from its run, because it changes often.
create table cloudcode.progress (
  run_id  uuid primary key,
  fence   bigint not null,
  at      timestamptz not null,
  value   json not null
);

-- Finished runs by minute, counted after their end and apart from it.
create table cloudcode.rollups (
  environment_id  integer not null,
  minute          timestamptz not null,
  task            text not null,
  state           text not null,
  runs            bigint not null,
  running_ms      bigint not null,
  primary key (environment_id, minute, task, state)
);

-- One feed of what has changed: a server reads it once, for all who watch.
create table cloudcode.changes (
  id              bigint generated always as identity primary key,
  at              timestamptz not null default now(),
  environment_id  integer not null,
  kind            text not null,
  run_ids         uuid[] not null
);
