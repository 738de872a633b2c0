-- Queues whose runs end in one statement are settled in one as well, and what is read seldom has fewer indexes to keep: docs/decisions/engine.md has the numbers.

-- Puts the right run at the front of each of these queues: the running one, else the first by due time and order of scheduling. No queue may be named twice.
create function cloudcode.settle_queues(environments integer[], names text[]) returns void
language plpgsql volatile as $$
declare
  leaving    uuid[];
  coming     uuid[];
  next_wake  timestamptz;
  gone       uuid[] = '{}';
begin
  -- In one order for all writers: two of them never wait for each other.
  perform cloudcode.lock_queue(given.environment, given.name) from (
    select environment, name from unnest(environments, names) as queue (environment, name) order by hashtextextended(name, environment)
  ) as given;
  select array_agg(front.id), array_agg(chosen.id), min(chosen.wake_at) into leaving, coming, next_wake
    from unnest(environments, names) as given (environment, name)
      left join cloudcode.queues q on q.environment_id = given.environment and q.name = given.name
      left join lateral (
        select r.id, r.state from cloudcode.runs r
        where r.environment_id = given.environment and r.queue = given.name and r.at_front
      ) front on true
      left join lateral (
        (select r.id, r.wake_at from cloudcode.runs r
          where coalesce(q.on_retry, 'wait') = 'wait' and not coalesce(q.paused, false)
            and r.environment_id = given.environment and r.queue = given.name and r.state = 'queued'
          order by r.due_at, r.seq limit 1)
        union all
        -- Those in back-off let the others by.
        (select r.id, r.wake_at from cloudcode.runs r
          where q.on_retry = 'skip' and not q.paused
            and r.environment_id = given.environment and r.queue = given.name and r.state = 'queued'
          order by (r.wake_at > now()), case when r.wake_at > now() then r.wake_at else r.due_at end, r.due_at, r.seq limit 1)
      ) chosen on true
    where front.state is distinct from 'running' and front.id is distinct from chosen.id;
  if leaving is null then
    return; -- all are right
  end if;
  -- What has no runner waits. By its state, the planner would look for it in whatever index of waiting runs is short.
  if array_remove(leaving, null) <> '{}' then
    with left_front as (
      update cloudcode.runs set at_front = false where id = any (leaving) and runner_id is null returning id
    )
    select array_agg(id) into gone from left_front;
  end if;
  -- One that did not leave was claimed meanwhile: it is running, and its end settles the queue.
  update cloudcode.runs r set at_front = true
    from unnest(leaving, coming) as move (leaving, coming)
    where r.id = move.coming and r.state = 'queued' and (move.leaving is null or move.leaving = any (gone));
  if next_wake is not null then
    perform cloudcode.notify_claimable(null, next_wake);
  end if;
end
$$;

create or replace function cloudcode.settle_queue(environment integer, queue_name text) returns void
language sql volatile as $$
  select cloudcode.settle_queues(array[environment], array[queue_name])
$$;

drop trigger after_run_state_changed on cloudcode.runs;
drop function cloudcode.after_run_state_changed();

create function cloudcode.after_runs_changed() returns trigger
language plpgsql as $$
declare
  environments  integer[];
  names         text[];
  next_wake     timestamptz;
begin
  -- Most statements claim.
  if not exists (select from after where state <> 'running') then
    return null;
  end if;
  select array_agg(environment_id), array_agg(queue) into environments, names from (
    select distinct after.environment_id, after.queue
    from after join before using (id)
    where after.state <> before.state and after.state <> 'running' and after.queue is not null
  ) as changed;
  if environments is not null then
    perform cloudcode.settle_queues(environments, names);
  end if;
  select min(after.wake_at) into next_wake
    from after join before using (id)
    where after.state <> before.state and after.state = 'queued' and after.queue is null;
  if next_wake is not null then
    perform cloudcode.notify_claimable(null, next_wake);
  end if;
  return null;
end
$$;

create trigger after_runs_changed after update on cloudcode.runs
  referencing old table as before new table as after
  for each statement execute function cloudcode.after_runs_changed();

-- A run in no queue is at its own front. Whoever says so himself, and rings (src/engine/store/bell.ts), needs no trigger for it.
drop trigger before_run_inserted on cloudcode.runs;
create trigger before_run_inserted before insert on cloudcode.runs
  for each row when (new.queue is not null or not new.at_front or new.state <> 'queued') execute function cloudcode.before_run_inserted();

-- Each version of a run is entered in every index that it belongs to. Newest runs are read task by task, and those that wait from the indexes of those that can be claimed and
-- of those in queues. That one run of a queue at most is running follows from runs_one_at_front and running_is_at_front.
drop index cloudcode.runs_newest;
drop index cloudcode.runs_waiting;
drop index cloudcode.runs_one_running;

-- An attempt is written twice: room for the second version keeps it out of the index.
alter table cloudcode.attempts set (fillfactor = 70);
