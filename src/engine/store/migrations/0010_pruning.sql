-- What is no longer needed is deleted in slices of rows, however much hangs on one run, and deployments that nothing needs any more keep only their row.

-- Runs that were deleted, and whose attempts and log lines are not yet.
create table cloudcode.pruned_runs (
  run_id  uuid primary key
);

-- The deployment that the attempt was begun with; null for attempts of earlier versions.
alter table cloudcode.attempts add column deployment_id bigint;

-- Set when its tasks were deleted, and its bundles and data model where no other deployment has them. Its row and digest stay.
alter table cloudcode.deployments
  add column pruned_at timestamptz,
  add constraint pruned_has_no_data_model check (pruned_at is null or data_model_hash is null);
create index deployments_whole on cloudcode.deployments (environment_id, id) where pruned_at is null;

-- To delete a bundle or a data model is to look for what refers to it.
create index tasks_of_bundle on cloudcode.tasks (bundle_hash);
create index deployments_of_data_model on cloudcode.deployments (data_model_hash) where data_model_hash is not null;

-- The deployments of an environment that nothing needs: not among the newest `keep` that are whole, not the current one, not what an attempt under way was begun with, and not the newest with the
-- task of a run that can still be executed.
create function cloudcode.prunable_deployments(environment integer, keep integer) returns setof bigint
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
    select removed.deployment_id from removed cross join lateral (
      select from cloudcode.runs r where r.environment_id = environment and r.task = removed.name and r.state <> 'succeeded' limit 1
    ) run
  )
  select id from old
  where not exists (select from needed where deployment_id = old.id)
    and not exists (select from under_way where deployment_id is null)
$$;
