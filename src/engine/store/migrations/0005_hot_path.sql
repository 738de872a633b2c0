-- What each run pays for, made cheaper: docs/decisions/engine.md has the numbers.

-- Rows that these tables refer to are written by the statement that adds the row, or (environments) are never deleted. The check of a foreign key is a query for every row,
-- and its lock on the one row of an environment is shared by all who schedule. What belongs to a run is deleted with it, by the same statement.
alter table cloudcode.attempts drop constraint attempts_run_id_fkey;
alter table cloudcode.log_lines drop constraint log_lines_run_id_fkey;
alter table cloudcode.runs drop constraint runs_environment_id_fkey;

-- The order of scheduling is read by environment (runs_newest) alone.
alter table cloudcode.runs drop constraint runs_seq_key;

-- A notification makes its transaction commit alone: no others share its write to disk. So CloudCode's own sessions, which say so by a setting, tell the runners when the
-- commit is done (src/engine/store/bell.ts); any other session, an administrator's for example, notifies in its transaction.
create or replace function cloudcode.notify_claimable(environment integer, wake_at timestamptz) returns void
language plpgsql volatile as $$
begin
  if wake_at <= now() + interval '10 seconds' and current_setting('cloudcode.rings_after_commit', true) is distinct from 'on' then
    perform pg_notify('cloudcode', 'claimable');
  end if;
end
$$;
