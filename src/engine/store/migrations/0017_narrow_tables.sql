-- What can be claimed lies in narrow tables, and the row of a run keeps only indexes on what never changes, so that its claim and its end are HOT updates: docs/decisions/engine.md has the numbers.
--
-- `runs.state` stays the only truth. `ready`, `backlog`, `claims` and `endings` are indexes that PostgreSQL cannot express: whoever changes a run changes them in the same transaction,
-- `check_store` finds every difference, and `rebuild_store` mends what it finds.

drop trigger before_run_inserted on cloudcode.runs;
drop trigger before_run_state_changed on cloudcode.runs;
drop trigger after_runs_changed on cloudcode.runs;
drop trigger after_queue_changed on cloudcode.queues;
drop function cloudcode.before_run_inserted();
drop function cloudcode.before_run_state_changed();
drop function cloudcode.after_runs_changed();
drop function cloudcode.after_queue_changed();
drop function cloudcode.settle_queue(integer, text);
drop function cloudcode.settle_queues(integer[], text[]);
drop function cloudcode.notify_claimable(integer, timestamptz);

drop index cloudcode.runs_claimable;
drop index cloudcode.runs_in_queue;
drop index cloudcode.runs_of_runner;
drop index cloudcode.runs_finished;
drop index cloudcode.runs_one_at_front;
drop index cloudcode.runs_one_of_key;

alter table cloudcode.runs
  drop column at_front,
  drop constraint runs_state_check,
  drop constraint running_has_runner,
  drop constraint running_has_fence,
  drop constraint final_has_finished,
  drop constraint back_off_is_queued,
  drop constraint attempts_within_limit,
  drop constraint answer_is_known,
  drop constraint answer_is_of_running,
  drop constraint result_is_of_answer,
  -- Promise 1: of a queue one run is running at most.
  add column running_queue text generated always as (case when state = 'running' then queue end) stored,
  -- Of the runs of a task with one key, at most one is unfinished.
  add column live_key text generated always as (case when state in ('queued', 'running') then key end) stored,
  -- One constraint: each is compiled anew for every statement.
  add constraint state_is_whole check (attempt_count <= attempt_limit and case state
    when 'queued' then runner_id is null and finished_at is null and result is null and answer is null
    when 'running' then runner_id is not null and fence is not null and finished_at is null and retry_at is null
      and (result is null or answer is not distinct from 'returned') and (answer is null or answer in ('returned', 'threw'))
    when 'succeeded' then runner_id is null and finished_at is not null and retry_at is null and answer is null
    else state in ('failed', 'dead', 'cancelled') and runner_id is null and finished_at is not null and retry_at is null and result is null and answer is null end),
  -- Room for the versions that a claim and an end make: they stay on the page.
  set (fillfactor = 40);

create unique index runs_one_running on cloudcode.runs (environment_id, running_queue) where running_queue is not null;
create unique index runs_one_of_key on cloudcode.runs (environment_id, task, live_key) where live_key is not null;

-- What a claim reads, and deletes: waiting runs in no queue, and of each queue its front while none of it runs and it is not paused.
create table cloudcode.ready (
  environment_id  integer not null,
  wake_at         timestamptz not null,
  seq             bigint not null,
  run_id          uuid not null,
  due_at          timestamptz not null,
  queue           text
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index ready_next on cloudcode.ready (environment_id, wake_at, seq);
create unique index ready_one_of_queue on cloudcode.ready (environment_id, queue) where queue is not null;

-- What waits behind the front of a queue, or in one that is paused. A waiting run of a queue is in `ready` or here, never in both.
create table cloudcode.backlog (
  environment_id  integer not null,
  queue           text not null,
  due_at          timestamptz not null,
  seq             bigint not null,
  wake_at         timestamptz not null,
  run_id          uuid not null,
  -- In back-off, or it was. Its own part of the order, so that a queue that skips retries finds the next one that was never tried at once.
  is_retry        boolean not null generated always as (wake_at > due_at) stored,
  primary key (environment_id, queue, is_retry, due_at, seq)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index backlog_retries on cloudcode.backlog (environment_id, queue, wake_at) where is_retry;

-- A row for each claim, of however many runs: where the running runs of a runner are found. More than those: ask `runs` for the truth. A runner deletes its own from time to time.
create table cloudcode.claims (
  runner_id  uuid not null,
  run_ids    uuid[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
alter table cloudcode.claims alter column run_ids set storage external;

-- The finished runs by the time when they finished: a row for each statement that finished some. Those that are dead apart, because they are kept until somebody decides.
create table cloudcode.endings (
  environment_id  integer not null,
  at              timestamptz not null,
  dead            boolean not null,
  run_ids         uuid[] not null
);
alter table cloudcode.endings alter column run_ids set storage external;
create index endings_oldest on cloudcode.endings (environment_id, dead, at);

-- When the store was last checked as a whole, by whichever runner.
create table cloudcode.store_checks (checked_at timestamptz not null);
insert into cloudcode.store_checks values (now());

-- A run that runs, wherever.
create view cloudcode.running_runs as
  select r.* from cloudcode.runs r
  where r.id in (select unnest(c.run_ids) from cloudcode.claims c) and r.state = 'running';

-- The database lets a run change only in the ways that docs/state-machine.md draws; a test compares the two, and both with src/engine/core/run-transitions.ts.
-- AFTER, because a BEFORE trigger locks each row first, by a record of its own in the log; in WHEN, because a call of plpgsql costs more than the rest of the check.
create function cloudcode.refuse_transition() returns trigger
language plpgsql as $$
begin
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
  when (old.state <> new.state and not coalesce(case old.state
    when 'queued' then new.state = 'cancelled' or (new.state = 'running' and new.fence > coalesce(old.fence, 0))
    when 'running' then new.state <> 'running' and (old.answer is null or new.state = (case old.answer when 'returned' then 'succeeded' else 'failed' end))
    when 'succeeded' then false
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

-- Writers that change who is at the front of a queue take turns by these locks, so that none of them misses a run that another adds or ends. In one order for all writers: two of them never wait
-- for each other. The server has room for only so many: a transaction that needs more than `most` of them locks all queues by one lock, and the others wait for it.
create function cloudcode.lock_queues(environments integer[], names text[], most integer default 1000) returns void
language plpgsql volatile as $$
declare
  held text := coalesce(current_setting('cloudcode.queue_locks', true), '');
  keys bigint[];
begin
  if held = 'all' then
    return;
  end if;
  select array_agg(key order by key) into keys from (
    select distinct hashtextextended(name, environment) as key from unnest(environments, names) as given (environment, name)
  ) as distinct_keys;
  if coalesce(cardinality(keys), 0) + coalesce(nullif(held, '')::integer, 0) > most then
    perform pg_advisory_xact_lock(7234, 1), set_config('cloudcode.queue_locks', 'all', true);
    return;
  end if;
  perform pg_advisory_xact_lock_shared(7234, 1);
  perform pg_advisory_xact_lock(key) from unnest(keys) as key;
  perform set_config('cloudcode.queue_locks', (coalesce(cardinality(keys), 0) + coalesce(nullif(held, '')::integer, 0))::text, true);
end
$$;

create or replace function cloudcode.lock_queue(environment integer, queue_name text) returns void
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(7234, 1);
  perform pg_advisory_xact_lock(hashtextextended(queue_name, environment));
end
$$;

-- The functions below are plpgsql and volatile: after the wait for a lock, each of their statements has a snapshot of its own.

-- Enters waiting runs that are new in their queues.
create function cloudcode.enqueue(environments integer[], names text[], dues timestamptz[], seqs bigint[], ids uuid[]) returns void
language plpgsql volatile as $$
begin
  perform cloudcode.lock_queues(environments, names, 100);
  -- Fronts that a new run comes before go back behind it.
  with given as (
    select distinct on (environment, name) * from unnest(environments, names, dues, seqs) as given (environment, name, due, seq)
    order by environment, name, due, seq
  ), displaced as (
    delete from cloudcode.ready r using given g
    where r.environment_id = g.environment and r.queue = g.name
      and ((g.due, g.seq) < (r.due_at, r.seq)
        or (r.wake_at > now() and g.due < r.wake_at
          and exists (select from cloudcode.queues q where q.environment_id = g.environment and q.name = g.name and q.on_retry = 'skip')))
    returning r.*
  )
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
  select environment_id, queue, due_at, seq, wake_at, run_id from displaced;
  with given as (
    select *, row_number() over (partition by environment, name order by due, seq) as place
    from unnest(environments, names, dues, seqs, ids) as given (environment, name, due, seq, id)
  ), front as (
    insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue)
    select g.environment, g.due, g.seq, g.id, g.due, g.name from given g
    where g.place = 1
      and not exists (select from cloudcode.ready r where r.environment_id = g.environment and r.queue = g.name)
      and not exists (select from cloudcode.runs r where r.environment_id = g.environment and r.running_queue = g.name)
      and not exists (select from cloudcode.queues q where q.environment_id = g.environment and q.name = g.name and q.paused)
    order by g.seq
    returning run_id
  )
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
  select environment, name, due, seq, due, id from given where id not in (select run_id from front) order by seq;
end
$$;

-- The same for one run, which is most often the case.
create function cloudcode.enqueue_one(environment integer, name text, due timestamptz, new_seq bigint, id uuid) returns void
language plpgsql volatile as $$
declare
  front   record;
  policy  record;
begin
  perform cloudcode.lock_queue(environment, name);
  select r.due_at, r.seq, r.wake_at into front from cloudcode.ready r where r.environment_id = environment and r.queue = name;
  select q.paused, q.on_retry into policy from cloudcode.queues q where q.environment_id = environment and q.name = enqueue_one.name;
  if policy.paused then
    null;
  elsif front.seq is not null then
    if (due, new_seq) < (front.due_at, front.seq) or (policy.on_retry = 'skip' and front.wake_at > now() and due < front.wake_at) then
      perform cloudcode.enqueue(array[environment], array[name], array[due], array[new_seq], array[id]);
      return;
    end if;
  elsif not exists (select from cloudcode.runs r where r.environment_id = environment and r.running_queue = name) then
    insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue) values (environment, due, new_seq, id, due, name);
    return;
  end if;
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id) values (environment, name, due, new_seq, due, id);
end
$$;

-- The run that comes next in a queue that is not paused; ctid: its row of the backlog.
create function cloudcode.next_of_queue(environment integer, name text, skips boolean)
returns table (place tid, environment_id integer, queue text, due_at timestamptz, seq bigint, wake_at timestamptz, run_id uuid)
language sql stable as $$
  select * from (
    (select b.ctid, b.environment_id, b.queue, b.due_at, b.seq, b.wake_at, b.run_id from cloudcode.backlog b
      where b.environment_id = environment and b.queue = name and not b.is_retry order by b.due_at, b.seq limit 1)
    union all
    (select b.ctid, b.environment_id, b.queue, b.due_at, b.seq, b.wake_at, b.run_id from cloudcode.backlog b
      where not skips and b.environment_id = environment and b.queue = name and b.is_retry order by b.due_at, b.seq limit 1)
    union all
    -- Those in back-off let the others by.
    (select b.ctid, b.environment_id, b.queue, b.due_at, b.seq, b.wake_at, b.run_id from cloudcode.backlog b
      where skips and b.environment_id = environment and b.queue = name and b.is_retry and b.wake_at <= now() order by b.due_at, b.seq limit 1)
    union all
    (select b.ctid, b.environment_id, b.queue, b.due_at, b.seq, b.wake_at, b.run_id from cloudcode.backlog b
      where skips and b.environment_id = environment and b.queue = name and b.is_retry and b.wake_at > now() order by b.wake_at, b.due_at, b.seq limit 1)
  ) candidate (place, environment_id, queue, due_at, seq, wake_at, run_id)
  order by (skips and candidate.wake_at > now()), case when skips and candidate.wake_at > now() then candidate.wake_at else candidate.due_at end, candidate.due_at, candidate.seq limit 1
$$;

-- Puts the next run of each of these queues at its front. Their locks are held, and none of their runs is running or at the front. Rows of the backlog are found by their place alone: by their key, the
-- planner would read all of it.
create function cloudcode.advance_queues(environments integer[], names text[]) returns void
language plpgsql volatile as $$
begin
  with given as materialized (
    select given.environment, given.name, coalesce(q.on_retry = 'skip', false) as skips
    from unnest(environments, names) as given (environment, name)
      left join cloudcode.queues q on q.environment_id = given.environment and q.name = given.name
    where not coalesce(q.paused, false)
  ), next as materialized (
    select n.* from given cross join lateral cloudcode.next_of_queue(given.environment, given.name, false) n where not given.skips
    union all
    select n.* from given cross join lateral cloudcode.next_of_queue(given.environment, given.name, true) n where given.skips
  ), front as (
    insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue)
    select environment_id, wake_at, seq, run_id, due_at, queue from next
    on conflict (environment_id, queue) where queue is not null do nothing
    returning run_id
  )
  delete from cloudcode.backlog where ctid = any (array(select next.place from next join front using (run_id)));
end
$$;

-- Puts the right run at the front of each of these queues, whoever is there now: the next one, and nobody while one is running or the queue is paused.
create function cloudcode.settle_queues(environments integer[], names text[]) returns void
language plpgsql volatile as $$
begin
  perform cloudcode.lock_queues(environments, names);
  with front as (
    delete from cloudcode.ready r using (select distinct * from unnest(environments, names) as given (environment, name)) given
    where r.environment_id = given.environment and r.queue = given.name returning r.*
  )
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
  select environment_id, queue, due_at, seq, wake_at, run_id from front on conflict do nothing;
  perform cloudcode.advance_queues(array_agg(given.environment), array_agg(given.name))
  from (select distinct * from unnest(environments, names) as given (environment, name)) given
  where not exists (select from cloudcode.runs r where r.environment_id = given.environment and r.running_queue = given.name)
  having count(*) > 0;
end
$$;

-- Enters a run that waits again, and settles its queue.
create function cloudcode.enter_waiting(run cloudcode.runs) returns void
language plpgsql volatile as $$
begin
  if run.queue is null then
    insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at) values (run.environment_id, run.wake_at, run.seq, run.id, run.due_at);
    return;
  end if;
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
    values (run.environment_id, run.queue, run.due_at, run.seq, run.wake_at, run.id) on conflict do nothing;
  perform cloudcode.settle_queues(array[run.environment_id], array[run.queue]);
end
$$;

-- What ends of attempts make of their queues, and of runs that wait again. Of each end: its run's environment and queue, and of one that waits again its place.
create function cloudcode.settle_ended(environments integer[], names text[], ids uuid[], seqs bigint[], dues timestamptz[], wakes timestamptz[]) returns void
language plpgsql volatile as $$
begin
  insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
  select environment, wake, seq, id, due from unnest(environments, names, ids, seqs, dues, wakes) as given (environment, name, id, seq, due, wake)
  where name is null and wake is not null;
  perform cloudcode.lock_queues(array_agg(environment), array_agg(name)) from unnest(environments, names) as given (environment, name)
  where name is not null having count(*) > 0;
  if not found then
    return;
  end if;
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
  select environment, name, due, seq, wake, id from unnest(environments, names, ids, seqs, dues, wakes) as given (environment, name, id, seq, due, wake)
  where name is not null and wake is not null
  on conflict do nothing;
  perform cloudcode.advance_queues(array_agg(environment), array_agg(name))
  from unnest(environments, names) as given (environment, name) where name is not null;
end
$$;

-- Cancels a run that waits; its queue's lock is held. False: it does not wait (any more). Its place is taken away first, as by a claim: two of them never wait for each other.
create function cloudcode.cancel_waiting_run(run_to_cancel uuid) returns boolean
language plpgsql volatile as $$
declare
  run cloudcode.runs;
begin
  select * into run from cloudcode.runs r where r.id = run_to_cancel and r.state = 'queued';
  if not found then
    return false;
  end if;
  delete from cloudcode.ready r where r.environment_id = run.environment_id and r.wake_at = run.wake_at and r.seq = run.seq and r.run_id = run.id;
  delete from cloudcode.backlog b where b.environment_id = run.environment_id and b.queue = run.queue
    and b.is_retry = (run.wake_at > run.due_at) and b.due_at = run.due_at and b.seq = run.seq;
  update cloudcode.runs r set state = 'cancelled', finished_at = now(), retry_at = null
    where r.id = run.id and r.state = 'queued' and r.wake_at = run.wake_at;
  if not found then
    return false; -- it was claimed meanwhile
  end if;
  insert into cloudcode.endings (environment_id, at, dead, run_ids) values (run.environment_id, now(), false, array[run.id]);
  if run.queue is not null then
    perform cloudcode.settle_queues(array[run.environment_id], array[run.queue]);
  end if;
  return true;
end
$$;

-- Gives a run that is finished without success a new set of attempts, due now; its queue's lock is held. False: it is not such a run (any more).
create function cloudcode.retry_final_run(run_to_retry uuid) returns boolean
language plpgsql volatile as $$
declare
  before cloudcode.runs;
  run cloudcode.runs;
begin
  select * into before from cloudcode.runs r where r.id = run_to_retry and r.state in ('failed', 'dead', 'cancelled') for update;
  if not found then
    return false;
  end if;
  update cloudcode.runs r
    set state = 'queued', due_at = now(), finished_at = null, result = null, error = null, attempt_limit = r.attempt_count + r.max_attempts
    where r.id = run_to_retry returning * into run;
  update cloudcode.endings e set run_ids = array_remove(e.run_ids, run.id)
    where e.environment_id = run.environment_id and e.dead = (before.state = 'dead') and e.at = before.finished_at and run.id = any (e.run_ids);
  perform cloudcode.enter_waiting(run);
  return true;
end
$$;

create or replace function cloudcode.insert_keyed_run(
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

-- The deployments of an environment that nothing needs: not among the newest `keep` that are whole, not the current one, not what an attempt under way was begun with, not the newest with the
-- task of a run that can still be executed, and not what a broken task goes on with.
create or replace function cloudcode.prunable_deployments(environment integer, keep integer) returns setof bigint
language sql stable as $$
  with under_way as materialized (
    select a.deployment_id from cloudcode.running_runs r join cloudcode.attempts a on a.run_id = r.id and a.number = r.attempt_count
    where r.environment_id = environment
  ), old as materialized (
    select d.id from cloudcode.deployments d where d.environment_id = environment and d.pruned_at is null
    order by d.id desc offset keep
  ), removed as materialized (
    select name, max(deployment_id) as deployment_id from cloudcode.tasks where environment_id = environment
    group by name having max(deployment_id) in (select id from old)
  ), needed as (
    select deployment_id from cloudcode.environments where id = environment
    union all
    select deployment_id from under_way
    union all
    select kept_from from cloudcode.tasks where environment_id = environment and kept_from is not null
    union all
    select removed.deployment_id from removed cross join lateral (
      select from cloudcode.runs r where r.environment_id = environment and r.task = removed.name and r.state <> 'succeeded' limit 1
    ) run
  )
  select id from old
  where not exists (select from needed where deployment_id = old.id)
    and not exists (select from under_way where deployment_id is null)
$$;

-- Every difference between the runs and the tables that are derived from them; none in a store that is right. Reads all runs.
create function cloudcode.check_store() returns table (problem text, environment_id integer, queue text, run_id uuid)
language sql stable as $$
  with waiting as materialized (
    select r.id, r.environment_id, r.queue, r.seq, r.due_at, r.wake_at from cloudcode.runs r where r.state = 'queued'
  ), running as materialized (
    select r.id, r.environment_id, r.queue, r.runner_id from cloudcode.runs r where r.state = 'running'
  ), entered as materialized (
    select y.run_id, y.environment_id, y.queue, y.seq, y.due_at, y.wake_at, true as at_front from cloudcode.ready y
    union all
    select b.run_id, b.environment_id, b.queue, b.seq, b.due_at, b.wake_at, false from cloudcode.backlog b
  ), fronts as materialized (
    select * from entered where at_front and queue is not null
  ), ended as materialized (
    select id, e.environment_id, e.dead, e.at from cloudcode.endings e cross join unnest(e.run_ids) as id
  )
  select 'a waiting run is not entered', w.environment_id, w.queue, w.id from waiting w
    where not exists (select from entered e where e.run_id = w.id)
  union all
  select 'a waiting run is entered twice', min(e.environment_id), min(e.queue), e.run_id from entered e group by e.run_id having count(*) > 1
  union all
  select 'what is entered is not as its run', e.environment_id, e.queue, e.run_id from entered e
    where not exists (
      select from waiting w where w.id = e.run_id and w.environment_id = e.environment_id and w.queue is not distinct from e.queue
        and w.seq = e.seq and w.due_at = e.due_at and w.wake_at = e.wake_at)
  union all
  select 'a front of a queue of which a run is running', f.environment_id, f.queue, f.run_id from fronts f
    where exists (select from running r where r.environment_id = f.environment_id and r.queue = f.queue)
  union all
  select 'a front of a queue that is paused', f.environment_id, f.queue, f.run_id from fronts f
    join cloudcode.queues q on q.environment_id = f.environment_id and q.name = f.queue and q.paused
  union all
  select 'a queue without a front', b.environment_id, b.queue, null from (select distinct each.environment_id, each.queue from cloudcode.backlog each) b
    where not exists (select from fronts f where f.environment_id = b.environment_id and f.queue = b.queue)
      and not exists (select from running r where r.environment_id = b.environment_id and r.queue = b.queue)
      and not exists (select from cloudcode.queues q where q.environment_id = b.environment_id and q.name = b.queue and q.paused)
  union all
  select 'a front that is not the first', f.environment_id, f.queue, f.run_id
    from fronts f left join cloudcode.queues q on q.environment_id = f.environment_id and q.name = f.queue
      cross join lateral cloudcode.next_of_queue(f.environment_id, f.queue, coalesce(q.on_retry, 'wait') = 'skip') n
    where case when coalesce(q.on_retry, 'wait') = 'wait' then (n.due_at, n.seq) < (f.due_at, f.seq)
      else n.wake_at < f.wake_at and f.wake_at > now() end
  union all
  select 'a running run of no claim', r.environment_id, r.queue, r.id from running r
    where not exists (select from cloudcode.claims c where c.runner_id = r.runner_id and r.id = any (c.run_ids))
  union all
  select 'a finished run of no ending', r.environment_id, r.queue, r.id from cloudcode.runs r
    where r.state in ('succeeded', 'failed', 'cancelled', 'dead')
      and not exists (select from ended e where e.id = r.id and e.environment_id = r.environment_id and e.dead = (r.state = 'dead') and e.at = r.finished_at)
  union all
  select 'an ending of a run that did not finish then', e.environment_id, null, e.id from ended e
    where not exists (select from cloudcode.runs r where r.id = e.id and r.state in ('succeeded', 'failed', 'cancelled', 'dead') and r.finished_at = e.at)
$$;

-- Mends one difference that check_store found, if it is still there: under the lock of its queue, or of its run where that is in none.
create function cloudcode.mend_store(problem text, environment integer, queue_name text, run_to_mend uuid) returns void
language plpgsql volatile as $$
declare
  run cloudcode.runs;
begin
  if problem = 'a running run of no claim' then
    insert into cloudcode.claims (runner_id, run_ids) select r.runner_id, array[r.id] from cloudcode.runs r where r.id = run_to_mend and r.state = 'running';
    return;
  elsif problem = 'a finished run of no ending' then
    insert into cloudcode.endings (environment_id, at, dead, run_ids)
    select r.environment_id, r.finished_at, r.state = 'dead', array[r.id] from cloudcode.runs r
    where r.id = run_to_mend and r.finished_at is not null and not exists (
      select from cloudcode.endings e
      where e.environment_id = r.environment_id and e.dead = (r.state = 'dead') and e.at = r.finished_at and r.id = any (e.run_ids));
    return;
  elsif problem = 'an ending of a run that did not finish then' then
    update cloudcode.endings e set run_ids = array_remove(e.run_ids, run_to_mend)
    where e.environment_id = environment and run_to_mend = any (e.run_ids)
      and not exists (select from cloudcode.runs r where r.id = run_to_mend and r.finished_at = e.at);
    return;
  end if;
  if queue_name is not null then
    perform cloudcode.lock_queue(environment, queue_name);
  end if;
  if run_to_mend is not null then
    select * into run from cloudcode.runs r where r.id = run_to_mend for update;
    if problem <> 'a waiting run is not entered' then
      delete from cloudcode.ready y where y.run_id = run_to_mend;
      delete from cloudcode.backlog b where b.run_id = run_to_mend;
    end if;
    -- Looked for by its place: by its id, each of many would read all that is entered.
    if run.state = 'queued'
      and not exists (select from cloudcode.ready y where y.environment_id = run.environment_id and y.wake_at = run.wake_at and y.seq = run.seq)
    then
      perform cloudcode.enter_waiting(run);
    end if;
  end if;
  if queue_name is not null then
    perform cloudcode.settle_queues(array[environment], array[queue_name]);
  end if;
end
$$;

-- What is there is entered.
insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
  select environment_id, wake_at, seq, id, due_at from cloudcode.runs where state = 'queued' and queue is null order by seq;
insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
  select environment_id, queue, due_at, seq, wake_at, id from cloudcode.runs where state = 'queued' and queue is not null order by seq;
select cloudcode.advance_queues(array_agg(environment_id), array_agg(queue)) from (
  select distinct environment_id, queue from cloudcode.backlog b
  where not exists (select from cloudcode.runs r where r.environment_id = b.environment_id and r.running_queue = b.queue)
) as waiting having count(*) > 0;
insert into cloudcode.claims (runner_id, run_ids)
  select runner_id, array_agg(id) from cloudcode.runs where state = 'running' group by runner_id;
insert into cloudcode.endings (environment_id, at, dead, run_ids)
  select environment_id, finished_at, state = 'dead', array_agg(id) from cloudcode.runs where finished_at is not null group by environment_id, finished_at, state = 'dead';
