-- What `listed` holds where it is right.
create view cloudcode.to_be_listed as
  select r.environment_id, r.seq, r.deployment_id, r.state, r.task, r.queue, r.key, r.scheduled_by, r.fingerprint
  from cloudcode.endings e cross join unnest(e.run_ids) as of_ending (id) join cloudcode.runs r on r.id = of_ending.id and r.finished_at = e.at
  where e.listed;

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
  union all
  -- One row for each environment: they are mended together.
  select distinct 'lists are not as the finished runs', wrong.environment_id, null, null::uuid from (
    select of_runs.environment_id from (
      select l as row, l.environment_id, 1 as times from (select * from cloudcode.listed) l
      union all
      select l, l.environment_id, -1 from (select * from cloudcode.to_be_listed) l
    ) of_runs
    group by of_runs.row, of_runs.environment_id having sum(of_runs.times) <> 0
  ) wrong
$$;

-- Makes the lists of an environment as its finished runs are. Nobody else changes lists meanwhile; runs go on ending.
create function cloudcode.mend_lists(environment integer) returns void
language plpgsql volatile as $$
begin
  lock table cloudcode.listed in share row exclusive mode;
  delete from cloudcode.listed using (
    select l.ctid as place, s.seq is not null as is_right,
      row_number() over (partition by l.seq order by s.seq is null, l.ctid) as copy
    from cloudcode.listed l left join cloudcode.to_be_listed s
      on s.environment_id = l.environment_id and s.seq = l.seq and s.state = l.state and s.task = l.task
        and (s.queue, s.key, s.scheduled_by, s.deployment_id, s.fingerprint) is not distinct from (l.queue, l.key, l.scheduled_by, l.deployment_id, l.fingerprint)
    where l.environment_id = environment
  ) found where listed.ctid = found.place and not (is_right and copy = 1);
  insert into cloudcode.listed
    select * from cloudcode.to_be_listed s
    where s.environment_id = environment and not exists (
      select from cloudcode.listed l where l.environment_id = environment and l.seq = s.seq and l.state = s.state and l.task = s.task)
    order by s.seq;
end
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
  if problem = 'lists are not as the finished runs' then
    perform cloudcode.mend_lists(environment);
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
