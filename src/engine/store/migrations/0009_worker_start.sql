-- How the processes of a task are started where the machine forks: what the task says, or else what its bundle needs; null: forked.
alter table cloudcode.tasks add column worker_start text check (worker_start in ('spawn', 'fork'));
