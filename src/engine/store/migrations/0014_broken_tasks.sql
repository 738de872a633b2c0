-- One broken task does not stop the others of its project: it goes on with the code that it had, as part of each new deployment.

alter table cloudcode.tasks
  -- The deployment whose code, packages and data model it goes on with. Null: its own.
  add column kept_from bigint references cloudcode.deployments;

-- Tasks that could not be built when a deployment was made. Those that were never good have no row in `tasks`.
create table cloudcode.broken_tasks (
  deployment_id  bigint not null references cloudcode.deployments,
  name           text not null,
  -- { code, message, hint }
  problem        json not null,
  primary key (deployment_id, name)
);

-- The deployments of an environment that nothing needs: not among the newest `keep` that are whole, not the current one, not what an attempt under way was begun with, not the newest with the
-- task of a run that can still be executed, and not what a broken task goes on with.
create or replace function cloudcode.prunable_deployments(environment integer, keep integer) returns setof bigint
language sql stable as $$
  with under_way as materialized (
    select a.deployment_id from cloudcode.runs r join cloudcode.attempts a on a.run_id = r.id and a.number = r.attempt_count
    where r.environment_id = environment and r.state = 'running'
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
