import { type DeployedTask, type EnvironmentFacts, type FactKeys, type KeptFacts, keepFacts } from './kept-facts.ts';
import type { Queryable } from './open-store.ts';
import type { WrongRow } from './check-store.ts';
import { planOnce } from './plan-once.ts';

/** What the claim of a run returns. */
export interface ClaimedRow extends FactKeys {
  readonly id: string;
  readonly parametersJson: string;
  readonly queue: string | null;
  readonly attempt: number;
  readonly attemptLimit: number;
  readonly maxAttempts: number;
  readonly fence: string;
  readonly scheduledBy: string | null;
}

/** A run that this runner has just claimed, with all that its attempt needs. */
export interface ClaimedRun extends ClaimedRow, DeployedTask, EnvironmentFacts {}

export interface Claim {
  readonly runnerId: string;
  readonly limit: number;
  /** The environment that the last claim ended with; the next one in the round begins. */
  readonly after: number;
  /** Leaves out runs whose rows somebody has locked. */
  readonly skipsLocked?: boolean;
  /** Rows of `ready` that were of no waiting run: they are gone. */
  readonly onDropped?: (dropped: readonly WrongRow[]) => void;
}

/** As claimRows, with what the attempts need of deployments and environments. @param kept what of that is known */
export async function claimRuns(
  db: Queryable,
  claim: Claim,
  kept: KeptFacts = keepFacts(),
): Promise<readonly ClaimedRun[]> {
  return kept.complete(db, await claimRows(db, claim));
}

/**
 * Claims up to `limit` due runs for a runner whose lease is valid: one of each environment in turn, each environment's oldest first. Only what is ready is looked at,
 * so the cost does not grow with what waits behind it.
 * Waits 25 ms at most for the row of a run that somebody has locked, as a transaction that is left open: the claim as a whole is refused then.
 * @returns in the order of the round
 */
export async function claimRows(db: Queryable, claim: Claim): Promise<readonly ClaimedRow[]> {
  const { name, limit, isFixed } = planOnce(
    claim.skipsLocked === true ? 'claim_unlocked_runs' : 'claim_runs',
    claim.limit,
    '$3',
  );
  const rows = await db.query<ClaimedRow & Picked>({
    name,
    text: `
      with due as (
        select e.id as environment_id, r.place, row_number() over (partition by e.id order by r.wake_at, r.seq) as lap
        from cloudcode.environments e cross join lateral (
          select y.ctid as place, y.wake_at, y.seq from cloudcode.ready y
          ${claim.skipsLocked === true ? "join cloudcode.runs of_ready on of_ready.id = y.run_id and of_ready.state = 'queued'" : ''}
          where y.environment_id = e.id and y.wake_at <= now()
            and exists (
              select 1 from cloudcode.runners where id = $1 and lease_ended_at is null and lease_expires_at > now()
                and set_config('lock_timeout', '25ms', true) is not null
            )
          order by y.wake_at, y.seq
          ${limit}
          for update skip locked
        ) r
      ), chosen as (
        select place, row_number() over (order by lap, environment_id <= $2, environment_id) as turn from due
        order by turn ${limit}
      ), picked as (
        delete from cloudcode.ready r using chosen where r.ctid = chosen.place
        returning r.run_id, r.environment_id, r.queue, chosen.turn
      ), claimed as (
        update cloudcode.runs r
        set state = 'running', runner_id = $1, fence = nextval('cloudcode.fences'), attempt_count = r.attempt_count + 1,
          started_at = coalesce(r.started_at, now()), retry_at = null,
          attempt_started_at = case when r.attempt_count > 0 then now() end,
          deployment_id = (
            select t.deployment_id from cloudcode.tasks t where t.environment_id = r.environment_id and t.name = r.task
            order by t.deployment_id desc limit 1),
          answered_at = null, attempt_finished_at = null, outcome = null, exit_code = null, signal = null, pid = null,
          peak_memory_bytes = null, attempt_error = null
        from picked where r.id = picked.run_id and r.state = 'queued'
        returning r.id, r.environment_id, r.task, r.parameters, r.queue, r.attempt_count, r.attempt_limit, r.max_attempts, r.fence,
          r.scheduled_by, r.deployment_id
      ), noted as (
        insert into cloudcode.claims (runner_id, run_ids) select $1, array_agg(id) from claimed having count(*) > 0
      ), past as (
        -- As this statement found it: what its last attempt was.
        insert into cloudcode.past_attempts
          (run_id, number, fence, runner_id, deployment_id, started_at, answered_at, finished_at, outcome, exit_code, signal, pid, peak_memory_bytes, error)
        select r.id, r.attempt_count, r.fence, r.runner_id, r.deployment_id, coalesce(r.attempt_started_at, r.started_at), r.answered_at,
          coalesce(r.attempt_finished_at, r.finished_at), r.outcome,
          r.exit_code, r.signal, r.pid, r.peak_memory_bytes, r.attempt_error
        from cloudcode.runs r where r.id = any (array(select c.id from claimed c where c.attempt_count > 1)) and r.attempt_count > 0
      )
      select p.run_id as "pickedId", p.environment_id as "pickedEnvironment", p.queue as "pickedQueue", c.id, c.environment_id as "environmentId",
        c.task, c.parameters::text as "parametersJson", c.queue, c.attempt_count as attempt, c.attempt_limit as "attemptLimit",
        c.max_attempts as "maxAttempts", c.fence::text as fence, c.scheduled_by as "scheduledBy", c.deployment_id::text as "deploymentId",
        e.variables_version::text as "variablesVersion"
      from picked p left join claimed c on c.id = p.run_id left join cloudcode.environments e on e.id = c.environment_id
      order by p.turn`,
    values: [claim.runnerId, claim.after, ...(isFixed ? [] : [claim.limit])],
  });
  const dropped = rows.filter((row) => (row.id as string | null) === null);
  if (dropped.length > 0) claim.onDropped?.(dropped.map(wrongRow));
  return rows.filter((row) => (row.id as string | null) !== null);
}

interface Picked {
  readonly pickedId: string;
  readonly pickedEnvironment: number;
  readonly pickedQueue: string | null;
}

function wrongRow({ pickedId, pickedEnvironment, pickedQueue }: Picked): WrongRow {
  return {
    problem: 'what is entered is not as its run',
    environmentId: pickedEnvironment,
    queue: pickedQueue,
    runId: pickedId,
  };
}

/** Milliseconds until the next run of any environment can be claimed (0: now), or null when none waits at a front. */
export async function readNextWakeMs(db: Queryable): Promise<number | null> {
  const [row] = await db.query<{ delay_ms: number | null }>({
    name: 'next_wake',
    text: `
      select (extract(epoch from min(next.wake_at) - now()) * 1000)::double precision as delay_ms
      from cloudcode.environments e cross join lateral (
        select r.wake_at from cloudcode.ready r where r.environment_id = e.id order by r.wake_at, r.seq limit 1
      ) next`,
  });
  const delayMs = row?.delay_ms ?? null;
  return delayMs === null ? null : Math.max(0, Math.ceil(delayMs));
}

/**
 * Notes the process that executes an attempt. Waits for nobody: the attempt's own calls may hold its run for long.
 * @returns false when they do, or it has ended
 */
export async function recordWorker(
  db: Queryable,
  attempt: { readonly runId: string; readonly fence: string; readonly pid: number },
): Promise<boolean> {
  const rows = await db.query({
    name: 'record_worker',
    text: `
      with held as (
        select id from cloudcode.runs where id = $1 and fence = $2 and state = 'running' for no key update skip locked
      )
      update cloudcode.runs r set pid = $3 from held where r.id = held.id returning r.id`,
    values: [attempt.runId, attempt.fence, attempt.pid],
  });
  return rows.length > 0;
}
