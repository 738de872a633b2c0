-- An attempt that has answered may take a while to end: its answer is stored before its end, so that nothing that happens meanwhile takes it back.

alter table cloudcode.runs
  -- Of the attempt that is running; `result` and `error` are what it answered then. Its end takes them over.
  add column answer text,
  drop constraint result_is_of_success,
  -- Rows that are there have no answer, and what held for their results was stricter: no need to read them all.
  add constraint answer_is_known check (answer in ('returned', 'threw')) not valid,
  add constraint answer_is_of_running check (answer is null or state = 'running') not valid,
  add constraint result_is_of_answer check (result is null or state = 'succeeded' or answer is not distinct from 'returned') not valid;

-- When its answer was stored before its end; null: with it.
alter table cloudcode.attempts add column answered_at timestamptz;

create or replace function cloudcode.before_run_state_changed() returns trigger
language plpgsql as $$
begin
  if not coalesce(case old.state
      when 'queued' then new.state in ('running', 'cancelled')
      when 'running' then new.state in ('succeeded', 'failed', 'dead', 'cancelled', 'queued')
      when 'failed' then new.state = 'queued'
      when 'dead' then new.state = 'queued'
      when 'cancelled' then new.state = 'queued'
    end, false) then
    raise exception 'run % is %, and cannot become %', old.id, old.state, new.state using errcode = 'check_violation', constraint = 'run_transition_is_allowed';
  end if;
  if old.answer is not null and new.state <> (case old.answer when 'returned' then 'succeeded' else 'failed' end) then
    raise exception 'run % has answered (%), and cannot become %', old.id, old.answer, new.state using errcode = 'check_violation', constraint = 'answer_is_final';
  end if;
  if new.state = 'running' then
    -- A sequence that was set back, as by a careless restore, must not give an old attempt its rights back.
    if new.fence <= old.fence then
      raise exception 'run % had fence % already, and cannot be claimed with %', old.id, old.fence, new.fence using errcode = 'check_violation', constraint = 'fence_grows';
    end if;
    return new;
  end if;
  new.at_front := new.queue is null and new.state = 'queued';
  return new;
end
$$;

-- A running run shows no result yet, nor an error.
create or replace view cloudcode.run_details as
  select r.id, e.name as environment, r.task, r.parameters, r.queue,
    case when r.state = 'queued' and r.wake_at > now() then 'scheduled' else r.state end as state,
    cloudcode.iso(r.created_at) as "createdAt",
    cloudcode.iso(r.due_at) as "dueAt",
    cloudcode.iso(r.retry_at) as "retryAt",
    cloudcode.iso(r.started_at) as "startedAt",
    cloudcode.iso(r.finished_at) as "finishedAt",
    r.scheduled_by as "scheduledBy", case when r.state <> 'running' then r.result end as result, case when r.state <> 'running' then r.error end as error, r.max_attempts as "maxAttempts",
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
