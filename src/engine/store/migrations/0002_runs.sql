-- Runs, their attempts and log lines, and the runners that hold them.
--
-- Rows that runs refer to are written by the statement that adds the run, or are never deleted while it is there: the check of a foreign key would be a query for every row, and its lock on the one
-- row of an environment is shared by all who schedule. What belongs to a run is deleted with it.

-- A lease has a length of its own, counts its renewals, and ends once: docs/leases.md.
create table cloudcode.runners (
  id                uuid primary key,
  host              text not null,
  pid               integer not null,
  -- Identifies the process for certain on its machine: boot id, PID namespace and the process's start time. Null where there is no /proc.
  process_identity  text,
  started_at        timestamptz not null default now(),
  lease_ms          integer not null check (lease_ms > 0),
  lease_expires_at  timestamptz not null,
  -- Grows with every renewal: whoever sees the same number twice knows that the runner was silent in between.
  renewals          bigint not null default 0,
  -- Null while the lease is the runner's. From then on the runs it holds are free to be tried again.
  lease_ended_at    timestamptz,
  -- Why it claims nothing: its machine cannot start runs (a full disk, no process to be had). Null while it can.
  unfit_reason      text
);

-- Only ever grows, so a later attempt always has the higher fence, in every queue.
create sequence cloudcode.fences as bigint no cycle;

-- A run is the only truth of itself: what 0003_queues.sql derives from it can be made anew. Its row has indexes only on what never changes, and on its queue while it is running and its key while it is
-- unfinished, so that a claim and an end of a run in no queue enter nothing in any index (HOT updates): docs/decisions/engine.md has the numbers.
create table cloudcode.runs (
  id                   uuid primary key,
  -- The order of scheduling.
  seq                  bigint generated always as identity,
  created_at           timestamptz not null default now(),
  due_at               timestamptz not null,
  -- The end of its back-off.
  retry_at             timestamptz,
  started_at           timestamptz,
  finished_at          timestamptz,
  cancel_requested_at  timestamptz,
  -- Of the claim that holds it, or last held it.
  fence                bigint,
  -- Equal to `fence`: the data model of the running attempt names what is not there any more.
  outdated_fence       bigint,
  environment_id       integer not null,
  max_attempts         integer not null,
  attempt_count        integer not null default 0,
  -- The number of the last attempt that this set of attempts allows.
  attempt_limit        integer not null,
  scheduled_by         uuid,

  -- Its last attempt, number `attempt_count`, written by the claim and the end. Those before it are in past_attempts.
  runner_id            uuid,
  deployment_id        bigint,
  -- Null for the first: when the run started.
  attempt_started_at   timestamptz,
  -- When its answer was stored before its end; null: with it.
  answered_at          timestamptz,
  -- Null: when the run finished.
  attempt_finished_at  timestamptz,
  peak_memory_bytes    bigint,
  pid                  integer,
  exit_code            integer,
  signal               text,
  outcome              text,
  attempt_error        json,

  -- 'scheduled' is shown for a queued run whose time has not come; it is derived, so no clock has to move it.
  state                text not null default 'queued',
  task                 text not null,
  queue                text,
  key                  text,
  -- json, not jsonb: jsonb refuses some JSON strings.
  parameters           json not null,
  -- Of the attempt that is running, `returned` or `threw`: `result` and `error` are what it answered then, and its end takes them over.
  answer               text,
  result               json,
  error                json,
  -- Of a run that has failed or is dead: the same for errors that are one and the same mistake.
  fingerprint          text,

  -- Which of those that its queue may run at once: one for now.
  slot                 smallint not null default 0,
  -- To come, and null until then: the order among those that are due, where it is another; until when it may begin; where it came from, if from no task and no call of the API
  -- ({ kind: 'schedule' | 'web' | 'webhook', … }); words to find it by.
  sort_at              timestamptz,
  expires_at           timestamptz,
  origin               json,
  tags                 text[],

  wake_at              timestamptz not null generated always as (greatest(due_at, retry_at)) stored,
  running_queue        text generated always as (case when state = 'running' then queue end) stored,
  live_key             text generated always as (case when state in ('queued', 'running') then key end) stored,

  -- One constraint: each is compiled anew for every statement.
  constraint state_is_whole check (
    queue <> '' and key <> '' and slot = 0 and max_attempts > 0 and attempt_count <= attempt_limit
    and (outcome is not null) = (attempt_count > 0 and state <> 'running')
    and (outcome is null or attempt_finished_at is not null or finished_at is not null)
    and case state
      when 'queued' then finished_at is null and result is null and answer is null
      when 'running' then runner_id is not null and fence is not null and attempt_finished_at is null and finished_at is null and retry_at is null
        and (result is null or answer is not distinct from 'returned') and (answer is null or answer in ('returned', 'threw'))
      when 'succeeded' then outcome = 'returned' and finished_at is not null and retry_at is null and answer is null
      else state in ('failed', 'dead', 'cancelled', 'expired') and finished_at is not null and retry_at is null and result is null and answer is null end
    and (outcome is null or outcome in ('returned', 'threw', 'timed_out', 'out_of_memory', 'exited', 'killed', 'lost', 'cancelled', 'undelivered')))
) with (
  -- Room for the versions that a claim and an end make: they stay on the page, each longer than the one before it. With more of them, a quarter of the ends went to other pages.
  fillfactor = 36,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1
);
-- Promise 1: of a queue one run is running at most.
create unique index runs_one_running on cloudcode.runs (environment_id, running_queue, slot) where running_queue is not null;
-- Of the runs of a task with one key, at most one is unfinished.
create unique index runs_one_of_key on cloudcode.runs (environment_id, task, live_key) where live_key is not null;
create index runs_of_task on cloudcode.runs (environment_id, task, seq);

-- Attempts before the last one of their run: a claim of a run that is tried again puts that here.
create table cloudcode.past_attempts (
  run_id             uuid not null,
  number             integer not null,
  fence              bigint not null,
  runner_id          uuid not null,
  deployment_id      bigint,
  started_at         timestamptz not null,
  answered_at        timestamptz,
  finished_at        timestamptz not null,
  outcome            text not null,
  exit_code          integer,
  signal             text,
  pid                integer,
  peak_memory_bytes  bigint,
  error              json,
  primary key (run_id, number)
);

create view cloudcode.attempts as
  select run_id, number, fence, runner_id, deployment_id, started_at, answered_at, finished_at, outcome, exit_code, signal, pid, peak_memory_bytes, error
  from cloudcode.past_attempts
  union all
  select id, attempt_count, fence, runner_id, deployment_id, coalesce(attempt_started_at, started_at), answered_at, coalesce(attempt_finished_at, finished_at),
    outcome, exit_code, signal, pid, peak_memory_bytes, attempt_error
  from cloudcode.runs where attempt_count > 0;

create table cloudcode.log_lines (
  run_id   uuid not null,
  -- Follows from its attempt and its number there, both known to whoever writes it: lines that are written again, because the answer to the first time was lost, are the same ones.
  seq      bigint not null,
  attempt  integer not null,
  at       timestamptz not null,
  level    text not null,
  message  text not null,
  primary key (run_id, seq)
);

-- Runs that were deleted, and whose attempts and log lines are not yet: what is no longer needed is deleted in slices of rows, however much hangs on one run.
create table cloudcode.pruned_runs (
  run_id  uuid primary key
);

-- The database lets a run change only in the ways that docs/state-machine.md draws; a test compares the two, and both with src/engine/core/run-transitions.ts.
-- AFTER, because a BEFORE trigger locks each row first, by a record of its own in the log; in WHEN, because a call of plpgsql costs more than the rest of the check.
create function cloudcode.refuse_transition() returns trigger
language plpgsql as $$
begin
  if old.state = new.state then
    raise exception 'attempt % of run % has ended: %', old.attempt_count, old.id, old.outcome using errcode = 'check_violation', constraint = 'outcome_is_final';
  end if;
  if old.answer is not null and old.state = 'running' and new.state <> (case old.answer when 'returned' then 'succeeded' else 'failed' end) then
    raise exception 'run % has answered (%), and cannot become %', old.id, old.answer, new.state using errcode = 'check_violation', constraint = 'answer_is_final';
  end if;
  if old.state = 'queued' and new.state = 'running' then
    -- A sequence that was set back, as by a careless restore, must not give an old attempt its rights back.
    raise exception 'run % had fence % already, and cannot be claimed with %', old.id, old.fence, new.fence using errcode = 'check_violation', constraint = 'fence_grows';
  end if;
  raise exception 'run % is %, and cannot become %', old.id, old.state, new.state using errcode = 'check_violation', constraint = 'run_transition_is_allowed';
end
$$;
create trigger refuse_transition after update on cloudcode.runs for each row
  when (not coalesce(case
    when old.state = new.state then old.outcome is null or new.outcome = old.outcome
    when old.state = 'queued' then new.state = 'cancelled' or (new.state = 'running' and new.fence > coalesce(old.fence, 0))
    when new.state = 'expired' then false -- to come
    when old.state = 'running' then old.answer is null or new.state = (case old.answer when 'returned' then 'succeeded' else 'failed' end)
    when old.state = 'succeeded' then false
    else new.state = 'queued' end, false))
  execute function cloudcode.refuse_transition();

create function cloudcode.refuse_beginning() returns trigger
language plpgsql as $$
begin
  raise exception 'a run begins as queued, not %', new.state;
end
$$;
create trigger refuse_beginning after insert on cloudcode.runs for each row
  when (new.state <> 'queued') execute function cloudcode.refuse_beginning();

-- The place, in the order of scheduling, of the first run of some tasks that was scheduled at a time or later: all before it were scheduled earlier. The order is nearly that of their times; near the
-- border, runs of transactions that were open at the same time may be on either side. Bisects the runs of one task after the other: each narrows the rest down for those that follow.
create function cloudcode.first_seq_since(environment integer, tasks text[], moment timestamptz) returns bigint
language plpgsql stable as $$
declare
  -- All runs before `low` were scheduled earlier, and none from `high` on.
  low bigint := 0;
  high bigint := 9223372036854775807;
  name text;
  above bigint;
  middle bigint;
  next record;
begin
  foreach name in array tasks loop
    select coalesce(max(last.seq) + 1, low) into above from (
      select r.seq from cloudcode.runs r where r.environment_id = environment and r.task = name and r.seq < high order by r.seq desc limit 1
    ) last;
    middle := low;
    while low < above loop
      select r.seq, r.created_at into next from cloudcode.runs r
        where r.environment_id = environment and r.task = name and r.seq >= middle and r.seq < high order by r.seq limit 1;
      if next.seq is null then
        above := middle;
      elsif next.created_at < moment then
        low := next.seq + 1;
      else
        above := middle;
        high := next.seq;
      end if;
      middle := (low + above) / 2;
    end loop;
  end loop;
  return low;
end
$$;

-- The tasks that an environment has runs of, without a look at all of them.
create function cloudcode.tasks_of_runs(environment integer) returns text[]
language sql stable as $$
  with recursive task as (
    (select r.task as name from cloudcode.runs r where r.environment_id = environment order by r.task limit 1)
    union all
    select (select r.task from cloudcode.runs r where r.environment_id = environment and r.task > task.name order by r.task limit 1)
    from task where task.name is not null
  )
  select coalesce(array_agg(name), '{}') from task where name is not null
$$;

-- Times as the public contract shows them: ISO 8601 in UTC with milliseconds.
create function cloudcode.iso(at timestamptz) returns text
language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- When a run is due that was asked for with `at`, `after`, or neither.
create function cloudcode.due_at(at timestamptz, after_ms double precision) returns timestamptz
language sql stable as $$
  select coalesce(at, now() + coalesce(after_ms, 0) * interval '1 millisecond')
$$;

-- A run as the public contract shows it. A running run shows no result yet, nor an error.
create view cloudcode.run_details as
  select r.id, e.name as environment, r.task, r.parameters, r.queue,
    case when r.state = 'queued' and r.wake_at > now() then 'scheduled' else r.state end as state,
    cloudcode.iso(r.created_at) as "createdAt",
    cloudcode.iso(r.due_at) as "dueAt",
    cloudcode.iso(r.retry_at) as "retryAt",
    cloudcode.iso(r.started_at) as "startedAt",
    cloudcode.iso(r.finished_at) as "finishedAt",
    r.scheduled_by as "scheduledBy", case when r.state <> 'running' then r.result end as result, case when r.state <> 'running' then r.error end as error,
    case when r.state <> 'running' then r.fingerprint end as fingerprint, r.max_attempts as "maxAttempts",
    coalesce((
      select json_agg(json_build_object(
        'number', a.number,
        'startedAt', cloudcode.iso(a.started_at),
        'answeredAt', cloudcode.iso(a.answered_at),
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
