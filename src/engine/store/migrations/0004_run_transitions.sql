-- The database lets a run change only in the ways that docs/state-machine.md draws; a test compares the two, and both with src/engine/core/run-transitions.ts.

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

-- How an attempt ended is said once.
create function cloudcode.refuse_second_outcome() returns trigger
language plpgsql as $$
begin
  raise exception 'attempt % of run % has ended: %', old.number, old.run_id, old.outcome using errcode = 'check_violation', constraint = 'outcome_is_final';
end
$$;

create trigger refuse_second_outcome before update on cloudcode.attempts
  for each row when (old.outcome is not null and new.outcome is distinct from old.outcome) execute function cloudcode.refuse_second_outcome();
