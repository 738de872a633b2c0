-- Queues, and what is derived from the runs: an index that PostgreSQL cannot express. `runs.state` stays the only truth: whoever changes a run changes these tables in the same transaction, `check_store`
-- finds every difference, and `mend_store` mends it: docs/decisions/front-of-a-queue.md.

-- Only queues with settings have a row: a queue exists by its runs.
create table cloudcode.queues (
  environment_id  integer not null references cloudcode.environments,
  name            text not null check (name <> ''),
  paused          boolean not null default false,
  on_retry        text not null default 'wait' check (on_retry in ('wait', 'skip')),
  -- How many of it may run at once: one for now.
  slots           smallint not null default 1 check (slots = 1),
  primary key (environment_id, name)
);

-- What a claim reads, and deletes: waiting runs in no queue, and of each queue its front while none of it runs and it is not paused.
create table cloudcode.ready (
  environment_id  integer not null,
  wake_at         timestamptz not null,
  seq             bigint not null,
  run_id          uuid not null,
  due_at          timestamptz not null,
  queue           text,
  slot            smallint not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index ready_next on cloudcode.ready (environment_id, wake_at, seq);
create unique index ready_one_of_queue on cloudcode.ready (environment_id, queue, slot) where queue is not null;

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
  run_ids         uuid[] not null,
  -- Its runs are in `listed`.
  listed          boolean not null default false
);
alter table cloudcode.endings alter column run_ids set storage external;
create index endings_oldest on cloudcode.endings (environment_id, dead, at);
create index endings_unlisted on cloudcode.endings (environment_id) where not listed;

-- The finished runs as lists look for them, each by what does not change any more. Filled some time after their ends and apart from them, by whoever sets `listed` on their ending: until then a list
-- finds them by that. Nothing here refers to a run by its id: its task and its seq say which it is.
create table cloudcode.listed (
  environment_id  integer not null,
  seq             bigint not null,
  -- Of the last attempt; null where there was none.
  deployment_id   bigint,
  state           text not null,
  task            text not null,
  queue           text,
  key             text,
  scheduled_by    uuid,
  fingerprint     text
);
-- A state in each, so that a page of one state needs no other rows.
create index listed_of_task on cloudcode.listed (environment_id, task, state, seq);
create index listed_of_queue on cloudcode.listed (environment_id, queue, state, seq) where queue is not null;
create index listed_of_key on cloudcode.listed (environment_id, key, state, seq) where key is not null;
create index listed_of_caller on cloudcode.listed (scheduled_by, state, seq) where scheduled_by is not null;
create index listed_of_fingerprint on cloudcode.listed (environment_id, fingerprint, state, seq) where fingerprint is not null;
create index listed_of_deployment on cloudcode.listed (environment_id, deployment_id, state, seq);

-- When the store was last checked as a whole, by whichever runner.
create table cloudcode.store_checks (checked_at timestamptz not null);
insert into cloudcode.store_checks values (now());

-- A run that runs, wherever.
create view cloudcode.running_runs as
  select r.* from cloudcode.runs r
  where r.id in (select unnest(c.run_ids) from cloudcode.claims c) and r.state = 'running';

-- Writers that change who is at the front of a queue take turns by these locks, so that none of them misses a run that another adds or ends. In one order for all writers: two of them never wait
-- for each other. The server has room for only so many: a transaction that needs more than `max_locks` of them locks all queues by one lock, and the others wait for it.
create function cloudcode.lock_queues(environments integer[], names text[], max_locks integer default 1000) returns void
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
  if coalesce(cardinality(keys), 0) + coalesce(nullif(held, '')::integer, 0) > max_locks then
    -- Whoever has all of them already must not ask for more: others that have a part of theirs wait for him.
    if held <> '' and not exists (
      select key from unnest(keys) as key
      except
      select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 1 and pid = pg_backend_pid() and granted
    ) then
      return;
    end if;
    perform pg_advisory_xact_lock(7234, 1), set_config('cloudcode.queue_locks', 'all', true);
    return;
  end if;
  perform pg_advisory_xact_lock_shared(7234, 1);
  perform pg_advisory_xact_lock(key) from unnest(keys) as key;
  perform set_config('cloudcode.queue_locks', (coalesce(cardinality(keys), 0) + coalesce(nullif(held, '')::integer, 0))::text, true);
end
$$;

create function cloudcode.lock_queue(environment integer, queue_name text) returns void
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
    on conflict (environment_id, queue, slot) where queue is not null do nothing
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
  select * into before from cloudcode.runs r where r.id = run_to_retry and r.state in ('failed', 'dead', 'cancelled');
  if not found then
    return false;
  end if;
  -- The ending before the run, as whoever prunes them does.
  perform from cloudcode.endings e
    where e.environment_id = before.environment_id and e.dead = (before.state = 'dead') and e.at = before.finished_at and before.id = any (e.run_ids) for update;
  update cloudcode.runs r
    set state = 'queued', due_at = now(), attempt_finished_at = coalesce(r.attempt_finished_at, r.finished_at), finished_at = null, result = null, error = null, fingerprint = null, attempt_limit = r.attempt_count + r.max_attempts
    where r.id = run_to_retry and r.state = before.state and r.finished_at = before.finished_at returning * into run;
  if not found then
    return false;
  end if;
  update cloudcode.endings e set run_ids = array_remove(e.run_ids, run.id)
    where e.environment_id = run.environment_id and e.dead = (before.state = 'dead') and e.at = before.finished_at and run.id = any (e.run_ids);
  delete from cloudcode.endings e
    where e.environment_id = run.environment_id and e.dead = (before.state = 'dead') and e.at = before.finished_at and e.run_ids = '{}';
  -- After its ending: whoever has listed that meanwhile has been waited for.
  delete from cloudcode.listed l where l.environment_id = before.environment_id and l.task = before.task and l.state = before.state and l.seq = before.seq;
  perform cloudcode.enter_waiting(run);
  return true;
end
$$;
