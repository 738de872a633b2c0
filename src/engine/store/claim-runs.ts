import type { WorkerStart } from '../core/task-config.ts';
import type { DeployedFolder } from './contents.ts';
import type { Queryable } from './open-store.ts';
import type { WrongRow } from './check-store.ts';
import { planOnce } from './plan-once.ts';

/** A run that this runner has just claimed, with all that its attempt needs. */
export interface ClaimedRun {
  readonly id: string;
  readonly environment: string;
  readonly environmentId: number;
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
  /** Of what the extension has added to the deployment; null for nothing. */
  readonly stateHash: string | null;
  readonly folder: string;
  /** What the deployment's own folder is made of; null where it has none. */
  readonly place: DeployedFolder | null;
  /** The task's entry, from the project's folder; null where it is not known. */
  readonly file: string | null;
  /** Packages that are loaded by Node alone. */
  readonly external: readonly string[] | null;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly workerStart: WorkerStart | null;
}

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

/**
 * Claims up to `limit` due runs for a runner whose lease is valid: one of each environment in turn, each environment's oldest first. Only what is ready is looked at,
 * so the cost does not grow with what waits behind it.
 * Waits 25 ms at most for the row of a run that somebody has locked, as a transaction that is left open: the claim as a whole is refused then.
 * @returns in the order of the round
 */
export async function claimRuns(db: Queryable, claim: Claim): Promise<readonly ClaimedRun[]> {
  const { name, limit, isFixed } = planOnce(
    claim.skipsLocked === true ? 'claim_unlocked_runs' : 'claim_runs',
    claim.limit,
    '$3',
  );
  const rows = await db.query<ClaimedRun & Picked>({
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
          started_at = coalesce(r.started_at, now()), retry_at = null
        from picked where r.id = picked.run_id and r.state = 'queued'
        returning r.id, r.environment_id, r.task, r.parameters, r.queue, r.attempt_count, r.attempt_limit, r.max_attempts, r.fence,
          r.runner_id, r.scheduled_by
      ), noted as (
        insert into cloudcode.claims (runner_id, run_ids) select $1, array_agg(id) from claimed having count(*) > 0
      ), begun as (
        select c.*, t.deployment_id, t.kept_from, t.bundle_hash, t.timeout_ms, t.memory_mb, t.worker_start, t.file, t.external
        from claimed c left join lateral (
          select * from cloudcode.tasks t where t.environment_id = c.environment_id and t.name = c.task
          order by t.deployment_id desc limit 1
        ) t on true
      ), recorded as (
        insert into cloudcode.attempts (run_id, number, fence, runner_id, deployment_id)
        select id, attempt_count, fence, runner_id, deployment_id from begun
      )
      select p.run_id as "pickedId", p.environment_id as "pickedEnvironment", p.queue as "pickedQueue", c.id, e.name as environment, e.id as "environmentId", c.task, c.parameters::text as "parametersJson", c.queue, c.attempt_count as attempt,
        c.attempt_limit as "attemptLimit", c.max_attempts as "maxAttempts", c.fence::text as fence, c.scheduled_by as "scheduledBy",
        e.variables::text as "variablesJson", c.bundle_hash as "bundleHash", b.format as "bundleFormat", d.data_model_hash as "stateHash", d.folder,
        c.timeout_ms::double precision as "timeoutMs", c.memory_mb as "memoryMb", c.worker_start as "workerStart", c.file, c.external,
        case when d.project_path is not null then json_build_object('treeHash', d.tree_hash, 'filesHash', d.files_hash, 'projectPath', d.project_path) end as place
      from picked p left join begun c on c.id = p.run_id
        left join cloudcode.environments e on e.id = c.environment_id
        left join cloudcode.bundles b on b.hash = c.bundle_hash
        left join cloudcode.deployments d on d.id = coalesce(c.kept_from, c.deployment_id)
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

/** Notes the process that executes an attempt. */
export async function recordWorker(
  db: Queryable,
  attempt: { readonly runId: string; readonly number: number; readonly pid: number },
): Promise<void> {
  await db.query({
    name: 'record_worker',
    text: 'update cloudcode.attempts set pid = $3 where run_id = $1 and number = $2',
    values: [attempt.runId, attempt.number, attempt.pid],
  });
}
