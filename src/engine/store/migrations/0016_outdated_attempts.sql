-- A table or column that a deployment has renamed may be followed by a new one with its former name: attempts that began before must not take that for theirs.

-- Equal to `fence`: the data model of the running attempt names what is not there any more.
alter table cloudcode.runs add column outdated_fence bigint;

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
