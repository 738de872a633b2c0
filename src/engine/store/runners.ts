import type { AnswerOutcome } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

export interface RunnerRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly processIdentity: string | null;
  readonly leaseMs: number;
}

/** Gives a runner a lease: a new one, or one whose lease had ended and that has no worker at a run any more. */
export async function takeLease(db: Queryable, runner: RunnerRow): Promise<void> {
  await db.query({
    name: 'take_lease',
    text: `
      insert into cloudcode.runners (id, host, pid, process_identity, lease_ms, lease_expires_at)
      values ($1, $2, $3, $4, $5, now() + $5::integer * interval '1 millisecond')
      on conflict (id) do update
      set lease_ended_at = null, lease_expires_at = excluded.lease_expires_at, renewals = runners.renewals + 1`,
    values: [runner.id, runner.host, runner.pid, runner.processIdentity, runner.leaseMs],
  });
}

/**
 * Extends a runner's lease, however many runs it holds.
 * @returns false when the lease was ended by another runner: its runs may belong to others
 */
export async function renewLease(db: Queryable, runnerId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'renew_lease',
    text: `
      update cloudcode.runners set lease_expires_at = now() + lease_ms * interval '1 millisecond', renewals = renewals + 1
      where id = $1 and lease_ended_at is null returning id`,
    values: [runnerId],
  });
  return rows.length > 0;
}

/** Says of a runner why it claims nothing; null: it claims. */
export async function setUnfitReason(db: Queryable, runnerId: string, reason: string | null): Promise<void> {
  await db.query({
    name: 'set_unfit_reason',
    text: 'update cloudcode.runners set unfit_reason = $2 where id = $1',
    values: [runnerId, reason],
  });
}

/** Ends a lease at once: of a runner that stopped in order, or one whose processes are known to be gone. */
export async function endLease(db: Queryable, runnerId: string): Promise<void> {
  await db.query({
    name: 'end_lease',
    text: 'update cloudcode.runners set lease_ended_at = now() where id = $1 and lease_ended_at is null',
    values: [runnerId],
  });
}

/**
 * Ends a lease that has expired, unless its runner has renewed it since it was seen.
 * @returns false when it was renewed, or ended by another
 */
export async function endExpiredLease(
  db: Queryable,
  seen: { readonly id: string; readonly renewals: string },
): Promise<boolean> {
  const rows = await db.query({
    name: 'end_expired_lease',
    text: `
      update cloudcode.runners set lease_ended_at = now()
      where id = $1 and renewals = $2 and lease_ended_at is null and lease_expires_at <= now() returning id`,
    values: [seen.id, seen.renewals],
  });
  return rows.length > 0;
}

/** A lease that has not ended, as another runner sees it. */
export interface SeenLease extends RunnerRow {
  readonly renewals: string;
  /** By the database's clock. */
  readonly isExpired: boolean;
}

export function readOtherLeases(db: Queryable, runnerId: string): Promise<readonly SeenLease[]> {
  return db.query<SeenLease>({
    name: 'other_leases',
    text: `
      select id, host, pid, process_identity as "processIdentity", lease_ms as "leaseMs", renewals::text as renewals, lease_expires_at <= now() as "isExpired"
      from cloudcode.runners where id <> $1 and lease_ended_at is null`,
    values: [runnerId],
  });
}

/** Whether any runner works on this store. */
export async function hasRunners(db: Queryable): Promise<boolean> {
  const rows = await db.query({
    name: 'has_runners',
    text: 'select 1 as found from cloudcode.runners where lease_ended_at is null and lease_expires_at > now() limit 1',
  });
  return rows.length > 0;
}

/** A running run's current attempt. */
export interface HeldAttempt {
  readonly id: string;
  readonly task: string;
  readonly fence: string;
  readonly attempt: number;
  readonly attemptLimit: number;
  readonly cancelRequested: boolean;
  /** Null: none is stored. */
  readonly storedAnswer: AnswerOutcome | null;
  readonly runnerId: string;
}

/** Running runs whose runner's lease has ended. */
export function readLostAttempts(db: Queryable, limit: number): Promise<readonly HeldAttempt[]> {
  return db.query<HeldAttempt>({
    name: 'lost_attempts',
    text: `
      select r.id, r.task, r.fence::text as fence, r.attempt_count as attempt, r.attempt_limit as "attemptLimit",
        r.cancel_requested_at is not null as "cancelRequested", r.answer as "storedAnswer", r.runner_id as "runnerId"
      from (
        select distinct c.runner_id, unnest(c.run_ids) as id from cloudcode.runners n join cloudcode.claims c on c.runner_id = n.id
        where n.lease_ended_at is not null
      ) lost join cloudcode.runs r on r.id = lost.id and r.runner_id = lost.runner_id and r.state = 'running'
      order by r.seq limit $1`,
    values: [limit],
  });
}

/** Prunes runners that ended long ago and hold nothing. */
export async function deleteEndedRunners(db: Queryable): Promise<void> {
  await db.query({
    name: 'delete_ended_runners',
    text: `
      delete from cloudcode.runners n
      where n.lease_ended_at < now() - interval '1 hour'
        and not exists (select 1 from cloudcode.running_runs r where r.runner_id = n.id)`,
  });
}

/** The running runs of a runner, as the database has them. */
export function readHeldAttempts(db: Queryable, runnerId: string): Promise<readonly HeldAttempt[]> {
  return db.query<HeldAttempt>({
    name: 'held_attempts',
    text: `
      select id, task, fence::text as fence, attempt_count as attempt, attempt_limit as "attemptLimit",
        cancel_requested_at is not null as "cancelRequested", answer as "storedAnswer", runner_id as "runnerId"
      from cloudcode.runs r
      where id in (select unnest(c.run_ids) from cloudcode.claims c where c.runner_id = $1) and runner_id = $1 and state = 'running'`,
    values: [runnerId],
  });
}

/** Forgets a runner's claims of which nothing runs any more, and those of runners whose lease has ended. */
export async function deleteEndedClaims(db: Queryable, runnerId: string): Promise<void> {
  await db.query({
    name: 'delete_ended_claims',
    text: `
      delete from cloudcode.claims c
      where (c.runner_id = $1 or not exists (select from cloudcode.runners n where n.id = c.runner_id and n.lease_ended_at is null))
        and not exists (
          select from unnest(c.run_ids) as claimed (id) join cloudcode.runs r on r.id = claimed.id
          where r.runner_id = c.runner_id and r.state = 'running')`,
    values: [runnerId],
  });
}
