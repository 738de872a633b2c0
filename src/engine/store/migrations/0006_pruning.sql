-- What is no longer needed.

-- The deployments of an environment that nothing needs: not among the newest `keep` that are whole, not the current one, not what an attempt under way was begun with, not the newest with the
-- task of a run that can still be executed, and not what a broken task goes on with.
create function cloudcode.prunable_deployments(environment integer, keep integer) returns setof bigint
language sql stable as $$
  with under_way as materialized (
    select r.deployment_id from cloudcode.running_runs r where r.environment_id = environment
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
