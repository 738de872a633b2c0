-- Environments, deployments, queues, runners, runs, attempts and logs.
-- docs/architecture.md explains the front of a queue; the triggers below keep it, whichever statement changes a run.

create table cloudcode.environments (
  id             integer generated always as identity primary key,
  name           text not null unique,
  -- What process.env holds in the environment's tasks: { NAME: value }.
  variables      json not null default '{}',
  deployment_id  bigint,
  created_at     timestamptz not null default now()
);

-- A bundled task, by the SHA-256 of what it consists of. Immutable.
create table cloudcode.bundles (
  hash        text primary key,
  code        text not null,
  source_map  text not null,
  format      text not null check (format in ('cjs', 'esm'))
);

create table cloudcode.deployments (
  id              bigint generated always as identity primary key,
  environment_id  integer not null references cloudcode.environments,
  -- SHA-256 of all tasks and their config, so that deploying the same again makes no new deployment.
  digest          text not null,
  -- The folder that was deployed, on the machine that deployed it: packages left outside a bundle are resolved from it.
  folder          text not null,
  created_at      timestamptz not null default now()
);

alter table cloudcode.environments add foreign key (deployment_id) references cloudcode.deployments;

create table cloudcode.tasks (
  deployment_id   bigint not null references cloudcode.deployments,
  environment_id  integer not null references cloudcode.environments,
  name            text not null,
  bundle_hash     text not null references cloudcode.bundles,
  timeout_ms      bigint not null check (timeout_ms > 0),
  memory_mb       integer not null check (memory_mb > 0),
  max_attempts    integer not null check (max_attempts > 0),
  primary key (deployment_id, name)
);
-- A run whose task was removed since it was scheduled uses the newest deployment that has it.
create index tasks_newest on cloudcode.tasks (environment_id, name, deployment_id desc);

-- Only queues with settings have a row: a queue exists by its runs.
create table cloudcode.queues (
  environment_id  integer not null references cloudcode.environments,
  name            text not null check (name <> ''),
  paused          boolean not null default false,
  on_retry        text not null default 'wait' check (on_retry in ('wait', 'skip')),
  primary key (environment_id, name)
);

create table cloudcode.runners (
  id                uuid primary key,
  host              text not null,
  pid               integer not null,
  -- Identifies the process for certain on its machine: boot id, PID namespace and the process's start time. Null where there is no /proc.
  process_identity  text,
  started_at        timestamptz not null default now(),
  lease_expires_at  timestamptz not null
);

-- Only ever grows, so a later attempt always has the higher fence, in every queue.
create sequence cloudcode.fences as bigint no cycle;

create table cloudcode.runs (
  id                   uuid primary key,
  -- The order of scheduling.
  seq                  bigint generated always as identity unique,
  environment_id       integer not null references cloudcode.environments,
  task                 text not null,
  -- json, not jsonb: jsonb refuses some JSON strings.
  parameters           json not null,
  queue                text check (queue <> ''),
  -- 'scheduled' is shown for a queued run whose time has not come; it is derived, so no clock has to move it.
  state                text not null default 'queued'
                       check (state in ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')),
  created_at           timestamptz not null default now(),
  due_at               timestamptz not null,
  retry_at             timestamptz,
  started_at           timestamptz,
  finished_at          timestamptz,
  scheduled_by         uuid,
  result               json,
  error                json,
  max_attempts         integer not null check (max_attempts > 0),
  attempt_count        integer not null default 0,
  -- The number of the last attempt that this set of attempts allows.
  attempt_limit        integer not null,
  cancel_requested_at  timestamptz,
  runner_id            uuid,
  fence                bigint,
  -- True for every run without a queue that is queued or running, and for exactly one queued or running run of each queue that is not paused:
  -- the running one, else the next. Kept by the triggers.
  at_front             boolean not null default false,
  wake_at              timestamptz not null generated always as (greatest(due_at, retry_at)) stored,

  constraint running_has_runner check ((state = 'running') = (runner_id is not null)),
  constraint running_has_fence check (state <> 'running' or fence is not null),
  constraint running_is_at_front check (state <> 'running' or at_front),
  constraint final_is_not_at_front check (state in ('queued', 'running') or not at_front),
  constraint final_has_finished check ((state in ('succeeded', 'failed', 'dead', 'cancelled')) = (finished_at is not null)),
  constraint back_off_is_queued check (retry_at is null or state = 'queued'),
  constraint result_is_of_success check (result is null or state = 'succeeded'),
  constraint attempts_within_limit check (attempt_count <= attempt_limit)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

-- Promise 1. At most one run of a queue is at the front, and only a run at the front can be running.
create unique index runs_one_at_front on cloudcode.runs (environment_id, queue) where at_front and queue is not null;
create unique index runs_one_running on cloudcode.runs (environment_id, queue) where state = 'running' and queue is not null;
-- What a claim reads: its length is the runs without a queue and the queues, never the backlog behind them.
create index runs_claimable on cloudcode.runs (environment_id, wake_at, seq) where state = 'queued' and at_front;
-- The order within a queue.
create index runs_in_queue on cloudcode.runs (environment_id, queue, due_at, seq) where state = 'queued' and queue is not null;
create index runs_of_runner on cloudcode.runs (runner_id) where state = 'running';
create index runs_of_task on cloudcode.runs (environment_id, task, seq);
create index runs_newest on cloudcode.runs (environment_id, seq);
create index runs_waiting on cloudcode.runs (environment_id, wake_at) where state = 'queued';

create table cloudcode.attempts (
  run_id             uuid not null references cloudcode.runs on delete cascade,
  number             integer not null,
  fence              bigint not null,
  runner_id          uuid not null,
  started_at         timestamptz not null default now(),
  finished_at        timestamptz,
  outcome            text check (outcome in ('returned', 'threw', 'timed_out', 'out_of_memory', 'exited', 'killed', 'lost', 'cancelled')),
  exit_code          integer,
  signal             text,
  pid                integer,
  peak_memory_bytes  bigint,
  error              json,
  primary key (run_id, number),
  constraint finished_has_outcome check ((finished_at is null) = (outcome is null))
);

create table cloudcode.log_lines (
  run_id   uuid not null references cloudcode.runs on delete cascade,
  seq      bigint generated always as identity,
  attempt  integer not null,
  at       timestamptz not null,
  level    text not null,
  message  text not null,
  primary key (run_id, seq)
);

-- Writers that change who is at the front of a queue take turns by this lock, so that none of them misses a run that another adds or ends.
create function cloudcode.lock_queue(environment integer, queue_name text) returns void
language sql volatile as $$
  select pg_advisory_xact_lock(hashtextextended(queue_name, environment))
$$;

-- Tells the runners that a run can be claimed now or soon. Later ones they find by their own timers.
create function cloudcode.notify_claimable(environment integer, wake_at timestamptz) returns void
language plpgsql volatile as $$
begin
  if wake_at <= now() + interval '10 seconds' then
    perform pg_notify('cloudcode', 'claimable ' || environment);
  end if;
end
$$;

-- Puts the right run at the front of a queue: the running one, else the first by due time and order of scheduling.
create function cloudcode.settle_queue(environment integer, queue_name text) returns void
language plpgsql volatile as $$
declare
  front        record;
  policy       record;
  chosen_id    uuid;
  chosen_wake  timestamptz;
begin
  perform cloudcode.lock_queue(environment, queue_name);
  select r.id, r.state into front from cloudcode.runs r
    where r.environment_id = environment and r.queue = queue_name and r.at_front;
  if front.state = 'running' then
    return;
  end if;
  select q.paused, q.on_retry into policy from cloudcode.queues q
    where q.environment_id = environment and q.name = queue_name;
  if policy.paused then
    null; -- nobody
  elsif policy.on_retry = 'skip' then
    -- Those in back-off let the others by.
    select r.id, r.wake_at into chosen_id, chosen_wake from cloudcode.runs r
      where r.environment_id = environment and r.queue = queue_name and r.state = 'queued'
      order by (r.wake_at > now()), case when r.wake_at > now() then r.wake_at else r.due_at end, r.due_at, r.seq limit 1;
  else
    select r.id, r.wake_at into chosen_id, chosen_wake from cloudcode.runs r
      where r.environment_id = environment and r.queue = queue_name and r.state = 'queued'
      order by r.due_at, r.seq limit 1;
  end if;
  if front.id is not distinct from chosen_id then
    return;
  end if;
  if front.id is not null then
    update cloudcode.runs set at_front = false where id = front.id and state = 'queued';
    if not found then
      return; -- it was claimed meanwhile: it is running, and its end settles the queue
    end if;
  end if;
  if chosen_id is not null then
    update cloudcode.runs set at_front = true where id = chosen_id and state = 'queued';
    perform cloudcode.notify_claimable(environment, chosen_wake);
  end if;
end
$$;

create function cloudcode.before_run_inserted() returns trigger
language plpgsql as $$
declare
  front   record;
  policy  record;
begin
  if new.state <> 'queued' then
    raise exception 'a run begins as queued, not %', new.state;
  end if;
  if new.queue is null then
    new.at_front := true;
    perform cloudcode.notify_claimable(new.environment_id, new.due_at);
    return new;
  end if;
  perform cloudcode.lock_queue(new.environment_id, new.queue);
  select q.paused, q.on_retry into policy from cloudcode.queues q
    where q.environment_id = new.environment_id and q.name = new.queue;
  new.at_front := false;
  if policy.paused then
    return new;
  end if;
  select r.id, r.state, r.due_at, r.wake_at, r.seq into front from cloudcode.runs r
    where r.environment_id = new.environment_id and r.queue = new.queue and r.at_front;
  if front.id is null then
    new.at_front := true;
  elsif front.state = 'queued' and (
      (new.due_at, new.seq) < (front.due_at, front.seq)
      or (policy.on_retry = 'skip' and front.wake_at > now() and new.due_at < front.wake_at)) then
    update cloudcode.runs set at_front = false where id = front.id and state = 'queued';
    new.at_front := found;
  end if;
  if new.at_front then
    perform cloudcode.notify_claimable(new.environment_id, new.due_at);
  end if;
  return new;
end
$$;

create trigger before_run_inserted before insert on cloudcode.runs
  for each row execute function cloudcode.before_run_inserted();

-- A run that leaves the front says so in its own write; the queue is settled right after it.
create function cloudcode.before_run_state_changed() returns trigger
language plpgsql as $$
begin
  if new.state = 'running' then
    return new;
  end if;
  new.at_front := new.queue is null and new.state = 'queued';
  return new;
end
$$;

create trigger before_run_state_changed before update on cloudcode.runs
  for each row when (old.state is distinct from new.state) execute function cloudcode.before_run_state_changed();

create function cloudcode.after_run_state_changed() returns trigger
language plpgsql as $$
begin
  if new.queue is not null then
    perform cloudcode.settle_queue(new.environment_id, new.queue);
  elsif new.state = 'queued' then
    perform cloudcode.notify_claimable(new.environment_id, new.wake_at);
  end if;
  return null;
end
$$;

create trigger after_run_state_changed after update on cloudcode.runs
  for each row when (old.state is distinct from new.state and new.state <> 'running') execute function cloudcode.after_run_state_changed();

create function cloudcode.after_queue_changed() returns trigger
language plpgsql as $$
begin
  perform cloudcode.settle_queue(new.environment_id, new.name);
  return null;
end
$$;

create trigger after_queue_changed after insert or update on cloudcode.queues
  for each row execute function cloudcode.after_queue_changed();

-- Times as the public contract shows them: ISO 8601 in UTC with milliseconds.
create function cloudcode.iso(at timestamptz) returns text
language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A run as the public contract shows it.
create view cloudcode.run_details as
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
    r.environment_id, r.seq, r.state as stored_state, r.wake_at
  from cloudcode.runs r join cloudcode.environments e on e.id = r.environment_id;
