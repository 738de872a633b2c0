-- Finished runs are kept for a time and up to a number. Those that are dead are kept until somebody decides: they wait for another try.

alter table cloudcode.environments
  add column keep_days integer not null default 30 check (keep_days > 0),
  add column keep_runs integer not null default 1000000 check (keep_runs >= 0);

create index runs_finished on cloudcode.runs (environment_id, finished_at) where state in ('succeeded', 'failed', 'cancelled');
