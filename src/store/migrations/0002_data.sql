-- Data models, the fence of the calls that tasks make, batches that are carried out once, and keys that keep a run from being scheduled twice.

-- A data model as JSON, by its SHA-256. Immutable.
create table cloudcode.data_models (
  hash   text primary key,
  model  json not null
);

alter table cloudcode.deployments add column data_model_hash text references cloudcode.data_models;

-- Raises CC001 unless the attempt with this fence still holds its run. For reads: the answer is as of the calling statement's snapshot.
create function cloudcode.attempt_holds(run uuid, attempt_fence bigint) returns boolean
language plpgsql stable as $$
begin
  perform from cloudcode.runs where id = run and fence = attempt_fence and state = 'running';
  if not found then
    raise exception 'run % is not held by fence %', run, attempt_fence using errcode = 'CC001';
  end if;
  return true;
end
$$;

-- The same for writes: besides, nobody takes the run over before the calling transaction is over.
create function cloudcode.hold_attempt(run uuid, attempt_fence bigint) returns boolean
language plpgsql volatile as $$
begin
  perform from cloudcode.runs where id = run and fence = attempt_fence and state = 'running' for share;
  if not found then
    raise exception 'run % is not held by fence %', run, attempt_fence using errcode = 'CC001';
  end if;
  return true;
end
$$;

-- Batches that were carried out, with their answers, so that sending one again does nothing twice.
create table cloudcode.batches (
  id      uuid primary key,
  run_id  uuid not null references cloudcode.runs on delete cascade,
  answer  json not null,
  at      timestamptz not null default now()
);
create index batches_of_run on cloudcode.batches (run_id);

alter table cloudcode.runs add column key text check (key <> '');
-- Of the runs of a task with one key, at most one is not over.
create unique index runs_one_of_key on cloudcode.runs (environment_id, task, key) where key is not null and state in ('queued', 'running');
