-- A lease has a length of its own, counts its renewals, and ends once: docs/leases.md.

alter table cloudcode.runners
  add column lease_ms integer not null default 15000 check (lease_ms > 0),
  -- Grows with every renewal: whoever sees the same number twice knows that the runner was silent in between.
  add column renewals bigint not null default 0,
  -- Null while the lease is the runner's. From then on the runs it holds are free to be tried again.
  add column lease_ended_at timestamptz;

update cloudcode.runners set lease_ended_at = lease_expires_at where lease_expires_at <= now();
