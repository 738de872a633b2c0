import type { Queryable } from './open-store.ts';

export interface RunnerRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly processIdentity: string | null;
}

export async function insertRunner(db: Queryable, runner: RunnerRow & { readonly leaseMs: number }): Promise<void> {
  await db.query({
    name: 'insert_runner',
    text: `
      insert into cloudcode.runners (id, host, pid, process_identity, lease_expires_at)
      values ($1, $2, $3, $4, now() + $5::double precision * interval '1 millisecond')`,
    values: [runner.id, runner.host, runner.pid, runner.processIdentity, runner.leaseMs],
  });
}

/**
 * Extends a runner's lease, however many runs it holds.
 * @returns false when the lease had run out already: its runs may belong to others
 */
export async function renewLease(db: Queryable, runnerId: string, leaseMs: number): Promise<boolean> {
  const rows = await db.query({
    name: 'renew_lease',
    text: `
      update cloudcode.runners set lease_expires_at = now() + $2::double precision * interval '1 millisecond'
      where id = $1 and lease_expires_at > now() returning id`,
    values: [runnerId, leaseMs],
  });
  return rows.length > 0;
}

/** Gives a runner whose lease had run out a new one. Only for a runner that has no worker at a run any more. */
export async function reviveLease(db: Queryable, runnerId: string, leaseMs: number): Promise<void> {
  await db.query({
    name: 'revive_lease',
    text: "update cloudcode.runners set lease_expires_at = now() + $2::double precision * interval '1 millisecond' where id = $1",
    values: [runnerId, leaseMs],
  });
}

/** Ends a lease at once: for a runner that stopped in order, or one whose processes are known to be gone. */
export async function expireLease(db: Queryable, runnerId: string): Promise<void> {
  await db.query({
    name: 'expire_lease',
    text: 'update cloudcode.runners set lease_expires_at = least(lease_expires_at, now()) where id = $1',
    values: [runnerId],
  });
}

/** Other runners whose lease is still valid. */
export function readOtherRunners(db: Queryable, runnerId: string): Promise<readonly RunnerRow[]> {
  return db.query<RunnerRow>({
    name: 'other_runners',
    text: `
      select id, host, pid, process_identity as "processIdentity" from cloudcode.runners
      where id <> $1 and lease_expires_at > now()`,
    values: [runnerId],
  });
}

/** A running run's current attempt. */
export interface HeldAttempt {
  readonly id: string;
  readonly fence: string;
  readonly attempt: number;
  readonly attemptLimit: number;
  readonly cancelRequested: boolean;
  readonly runnerId: string;
}

/** Running runs whose runner's lease has run out. */
export function readLostAttempts(db: Queryable, limit: number): Promise<readonly HeldAttempt[]> {
  return db.query<HeldAttempt>({
    name: 'lost_attempts',
    text: `
      select r.id, r.fence::text as fence, r.attempt_count as attempt, r.attempt_limit as "attemptLimit",
        r.cancel_requested_at is not null as "cancelRequested", r.runner_id as "runnerId"
      from cloudcode.runners n join cloudcode.runs r on r.runner_id = n.id and r.state = 'running'
      where n.lease_expires_at <= now()
      order by r.seq limit $1`,
    values: [limit],
  });
}

/** Forgets runners that ended long ago and hold nothing. */
export async function deleteEndedRunners(db: Queryable): Promise<void> {
  await db.query({
    name: 'delete_ended_runners',
    text: `
      delete from cloudcode.runners n
      where n.lease_expires_at < now() - interval '1 hour'
        and not exists (select 1 from cloudcode.runs r where r.runner_id = n.id and r.state = 'running')`,
  });
}

/** The running runs of a runner, as the database has them. */
export function readHeldAttempts(db: Queryable, runnerId: string): Promise<readonly HeldAttempt[]> {
  return db.query<HeldAttempt>({
    name: 'held_attempts',
    text: `
      select id, fence::text as fence, attempt_count as attempt, attempt_limit as "attemptLimit",
        cancel_requested_at is not null as "cancelRequested", runner_id as "runnerId"
      from cloudcode.runs where runner_id = $1 and state = 'running'`,
    values: [runnerId],
  });
}
