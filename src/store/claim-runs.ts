import type { Queryable } from './open-store.ts';

/** A run that this runner has just claimed, with all that its attempt needs. */
export interface ClaimedRun {
  readonly id: string;
  readonly environment: string;
  readonly task: string;
  readonly parametersJson: string;
  readonly queue: string | null;
  readonly attempt: number;
  readonly attemptLimit: number;
  readonly maxAttempts: number;
  readonly fence: string;
  readonly scheduledBy: string | null;
  readonly variablesJson: string;
  readonly bundleHash: string;
  readonly bundleFormat: 'cjs' | 'esm';
  /** Of the deployment's data model; null without one. */
  readonly dataModelHash: string | null;
  readonly folder: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

/**
 * Claims up to `limit` due runs of an environment for a runner whose lease is valid. Only runs at the front are looked at,
 * so the cost does not grow with what waits behind them.
 */
export function claimRuns(
  db: Queryable,
  claim: { readonly environmentId: number; readonly runnerId: string; readonly limit: number },
): Promise<readonly ClaimedRun[]> {
  return db.query<ClaimedRun>({
    name: 'claim_runs',
    text: `
      with picked as (
        select r.id from cloudcode.runs r
        where r.environment_id = $1 and r.state = 'queued' and r.at_front and r.wake_at <= now()
          and exists (select 1 from cloudcode.runners where id = $2 and lease_ended_at is null and lease_expires_at > now())
        order by r.wake_at, r.seq
        limit $3
        for update skip locked
      ), claimed as (
        update cloudcode.runs r
        set state = 'running', runner_id = $2, fence = nextval('cloudcode.fences'), attempt_count = r.attempt_count + 1,
          started_at = coalesce(r.started_at, now()), retry_at = null
        from picked where r.id = picked.id
        returning r.*
      ), recorded as (
        insert into cloudcode.attempts (run_id, number, fence, runner_id)
        select id, attempt_count, fence, runner_id from claimed
      )
      select c.id, e.name as environment, c.task, c.parameters::text as "parametersJson", c.queue, c.attempt_count as attempt,
        c.attempt_limit as "attemptLimit", c.max_attempts as "maxAttempts", c.fence::text as fence, c.scheduled_by as "scheduledBy",
        e.variables::text as "variablesJson", t.bundle_hash as "bundleHash", b.format as "bundleFormat", d.data_model_hash as "dataModelHash", d.folder,
        t.timeout_ms::double precision as "timeoutMs", t.memory_mb as "memoryMb"
      from claimed c
        join cloudcode.environments e on e.id = c.environment_id
        join lateral (
          select * from cloudcode.tasks t where t.environment_id = c.environment_id and t.name = c.task
          order by t.deployment_id desc limit 1
        ) t on true
        join cloudcode.bundles b on b.hash = t.bundle_hash
        join cloudcode.deployments d on d.id = t.deployment_id
      order by c.wake_at, c.seq`,
    values: [claim.environmentId, claim.runnerId, claim.limit],
  });
}

/** Milliseconds until the next run of any environment can be claimed (0: now), or null when none waits at a front. */
export async function readNextWakeMs(db: Queryable): Promise<number | null> {
  const [row] = await db.query<{ delay_ms: number | null }>({
    name: 'next_wake',
    text: `
      select (extract(epoch from min(next.wake_at) - now()) * 1000)::double precision as delay_ms
      from cloudcode.environments e cross join lateral (
        select r.wake_at from cloudcode.runs r
        where r.environment_id = e.id and r.state = 'queued' and r.at_front
        order by r.wake_at, r.seq limit 1
      ) next`,
  });
  const delayMs = row?.delay_ms ?? null;
  return delayMs === null ? null : Math.max(0, Math.ceil(delayMs));
}

export async function readEnvironmentIds(db: Queryable): Promise<readonly number[]> {
  const rows = await db.query<{ id: number }>({ name: 'environment_ids', text: 'select id from cloudcode.environments order by id' });
  return rows.map((row) => row.id);
}

/** Notes the process that executes an attempt. */
export async function recordWorker(db: Queryable, attempt: { readonly runId: string; readonly number: number; readonly pid: number }): Promise<void> {
  await db.query({
    name: 'record_worker',
    text: 'update cloudcode.attempts set pid = $3 where run_id = $1 and number = $2',
    values: [attempt.runId, attempt.number, attempt.pid],
  });
}
