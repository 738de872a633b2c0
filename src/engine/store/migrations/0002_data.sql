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

-- Adds a run with a key, unless a run of this task with this key is not over yet. Returns the id of the one or the other; null when there is
-- no such task. A second caller waits for the transaction of the first.
create function cloudcode.insert_keyed_run(
  new_id uuid, environment integer, task_name text, run_key text, run_parameters json, run_queue text, run_due_at timestamptz, by_run uuid
) returns uuid
language plpgsql volatile as $$
declare
  attempts integer;
  existing uuid;
begin
  select t.max_attempts into attempts
    from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
    where e.id = environment and t.name = task_name;
  if not found then
    return null;
  end if;
  loop
    select r.id into existing from cloudcode.runs r
      where r.environment_id = environment and r.task = task_name and r.key = run_key and r.state in ('queued', 'running');
    if found then
      return existing;
    end if;
    begin
      insert into cloudcode.runs (id, environment_id, task, key, parameters, queue, due_at, max_attempts, attempt_limit, scheduled_by)
        values (new_id, environment, task_name, run_key, run_parameters, run_queue, run_due_at, attempts, attempts, by_run);
      return new_id;
    exception when unique_violation then
      -- Another was faster, or this very call was carried out before and its run is over.
      if exists (select from cloudcode.runs where id = new_id) then
        return new_id;
      end if;
    end;
  end loop;
end
$$;

-- When a run is due that was asked for with `at`, `after`, or neither.
create function cloudcode.due_at(at timestamptz, after_ms double precision) returns timestamptz
language sql stable as $$
  select coalesce(at, now() + coalesce(after_ms, 0) * interval '1 millisecond')
$$;

create or replace view cloudcode.run_details as
  select r.id, e.name as environment, r.task, r.parameters, r.queue,
    case when r.state = 'queued' and r.wake_at > now() then 'scheduled' else r.state end as state,
    cloudcode.iso(r.created_at) as "createdAt",
    cloudcode.iso(r.due_at) as "dueAt",
    cloudcode.iso(r.retry_at) as "retryAt",
    cloudcode.iso(r.started_at) as "startedAt",
    cloudcode.iso(r.finished_at) as "finishedAt",
    r.scheduled_by as "scheduledBy", r.result, r.error, r.max_attempts as "maxAttempts",
    coalesce((
      select json_agg(json_build_object(
        'number', a.number,
        'startedAt', cloudcode.iso(a.started_at),
        'finishedAt', cloudcode.iso(a.finished_at),
        'outcome', a.outcome,
        'exitCode', a.exit_code,
        'signal', a.signal,
        'pid', a.pid,
        'runner', a.runner_id,
        'peakMemoryBytes', a.peak_memory_bytes,
        'fence', a.fence::text,
        'error', a.error
      ) order by a.number)
      from cloudcode.attempts a where a.run_id = r.id), '[]'::json) as attempts,
    r.environment_id, r.seq, r.state as stored_state, r.wake_at, r.key
  from cloudcode.runs r join cloudcode.environments e on e.id = r.environment_id;
