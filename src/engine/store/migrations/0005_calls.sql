-- What tasks and programs ask for: the fence of the calls that tasks make, runs with keys, and what is carried out once.

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

-- As attempt_holds, for what reads tables of a data model. Raises CC002 for an attempt whose model is outdated.
create function cloudcode.attempt_holds_data(run uuid, attempt_fence bigint) returns boolean
language plpgsql stable as $$
declare
  is_outdated boolean;
begin
  select outdated_fence is not distinct from fence into is_outdated from cloudcode.runs where id = run and fence = attempt_fence and state = 'running';
  if is_outdated is null then
    raise exception 'run % is not held by fence %', run, attempt_fence using errcode = 'CC001';
  end if;
  if is_outdated then
    raise exception 'a name of its data model is that of something new' using errcode = 'CC002';
  end if;
  return true;
end
$$;

-- As hold_attempt, for what writes tables of a data model.
create function cloudcode.hold_attempt_data(run uuid, attempt_fence bigint) returns boolean
language plpgsql volatile as $$
declare
  is_outdated boolean;
begin
  select outdated_fence is not distinct from fence into is_outdated from cloudcode.runs where id = run and fence = attempt_fence and state = 'running' for share;
  if is_outdated is null then
    raise exception 'run % is not held by fence %', run, attempt_fence using errcode = 'CC001';
  end if;
  if is_outdated then
    raise exception 'a name of its data model is that of something new' using errcode = 'CC002';
  end if;
  return true;
end
$$;

-- Adds a run with a key, unless a run of this task with this key is unfinished. Returns the id of the one or the other; null when there is
-- no such task. A second caller waits for the transaction of the first.
create function cloudcode.insert_keyed_run(
  new_id uuid, environment integer, task_name text, run_key text, run_parameters json, run_queue text, run_due_at timestamptz, by_run uuid
) returns uuid
language plpgsql volatile as $$
declare
  attempts integer;
  existing uuid;
  run cloudcode.runs;
  violated text;
begin
  select t.max_attempts into attempts
    from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
    where e.id = environment and t.name = task_name;
  if not found then
    return null;
  end if;
  loop
    select r.id into existing from cloudcode.runs r
      where r.environment_id = environment and r.task = task_name and r.live_key = run_key;
    if found then
      return existing;
    end if;
    begin
      if run_queue is not null then
        perform cloudcode.lock_queue(environment, run_queue);
      end if;
      insert into cloudcode.runs (id, environment_id, task, key, parameters, queue, due_at, max_attempts, attempt_limit, scheduled_by)
        values (new_id, environment, task_name, run_key, run_parameters, run_queue, run_due_at, attempts, attempts, by_run)
        returning * into run;
      if run.queue is null then
        perform cloudcode.enter_waiting(run);
      else
        perform cloudcode.enqueue_one(run.environment_id, run.queue, run.due_at, run.seq, run.id);
      end if;
      return new_id;
    exception when unique_violation then
      -- Another was faster, or this very call was carried out before and its run is finished.
      get stacked diagnostics violated = constraint_name;
      if violated not in ('runs_pkey', 'runs_one_of_key') then
        raise;
      end if;
      if exists (select from cloudcode.runs where id = new_id) then
        return new_id;
      end if;
    end;
  end loop;
end
$$;

-- Answers that are kept for those who ask again with the same Idempotency-Key. A row is written in the transaction of what was asked for.

create table cloudcode.idempotency_keys (
  -- Without a foreign key, as in runs: a deployment holds the row of its environment.
  environment_id  integer not null,
  operation       text not null,
  key             text not null,
  -- SHA-256 of what was asked for.
  asked           bytea not null check (octet_length(asked) = 32),
  created_at      timestamptz not null default now(),
  -- Nobody but its own transaction sees a row without an answer.
  status          smallint,
  location        text,
  answer          text,
  primary key (environment_id, operation, key)
);

create index idempotency_keys_created_at on cloudcode.idempotency_keys (created_at);
