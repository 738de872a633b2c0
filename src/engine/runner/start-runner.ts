import { mendWrongRows } from '../operations/check-store.ts';
import { randomUUID } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultLeaseMs, renewLimitMs } from '../core/lease.ts';
import { defaultTaskConfig, type WorkerStart } from '../core/task-config.ts';
import { checkMasterKey } from '../operations/data-keys.ts';
import type { Extension } from '../operations/extension.ts';
import { variablesOpener } from '../operations/given-variables.ts';
import type { MasterKeys } from '../operations/master-key.ts';
import type { Claiming } from '../operations/schedule-run.ts';
import { readRisks } from '../store/check-server.ts';
import { openStore, type Store } from '../store/open-store.ts';
import { endLease, setUnfitReason } from '../store/runners.ts';
import { openAnswers } from './answer-calls.ts';
import { openBundleCache } from './bundle-cache.ts';
import { openClaimer } from './claim-due.ts';
import { openContainment } from './containment/open-containment.ts';
import { startGuard } from './containment/start-guard.ts';
import { machineFolders, openDeploymentFolders } from './deployed/deployment-folders.ts';
import type { OnEvent } from './events.ts';
import { leaseLost } from './execute-attempt.ts';
import { openExtensionStates } from './extension-states.ts';
import { startClaiming } from './start-claiming.ts';
import { startLoop } from './interval-loop.ts';
import { startCheckingDeployments } from './check-deployments.ts';
import { startCheckingHeldRuns } from './lease/check-held-runs.ts';
import { holdLease } from './lease/hold-lease.ts';
import { startRescuing } from './lease/start-rescuing.ts';
import { listen } from './listen.ts';
import { openFitness } from './machine-fitness.ts';
import { probeMachine } from './probe-machine.ts';
import { ownProcessIdentity } from './process-identity.ts';
import { openSlots } from './run-slots.ts';
import { startListing } from './start-listing.ts';
import { startMarking } from './start-marking.ts';
import { startPruning } from './start-pruning.ts';
import { openWorkerStarter } from './start-worker.ts';
import { openWorkerPool, thisMachine } from './worker-pool.ts';
import { chooseWorkerStart } from './worker-start.ts';
import { openEndWriter } from './write-ends.ts';
import { within } from './within.ts';

export interface RunnerOptions {
  readonly store: Store;
  /** Where the master key of masked variables is; without it no run of an environment that has some is started. */
  readonly keys?: MasterKeys | undefined;
  /** The project's folder on this machine: the working directory of its tasks. Null where there is none. */
  readonly folder: string | null;
  /** What is added to what its tasks may do. */
  readonly extension?: Extension | undefined;
  /** Where the files of this machine go; by default `.cloudcode` in the project's folder, or in the current one. */
  readonly machineFolder?: string | undefined;
  /** Runs at once; by default twice the processors, at least 4. */
  readonly concurrency?: number | undefined;
  /** How long its lease lasts, in milliseconds; 15,000 by default. */
  readonly leaseMs?: number | undefined;
  /** How its workers are started; `spawn` by default. */
  readonly workerStart?: WorkerStart | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/** Whoever schedules in its process hands it to the operation: a run that is due at once is then claimed in the transaction that adds it. */
export interface Runner extends Claiming, AsyncDisposable {
  readonly id: string;
  /** Why its machine cannot start runs, while it cannot and nothing is claimed; else null. */
  unfitReason(): string | null;
  /** Claims nothing more, lets running attempts finish for up to `drainMs`, gives the others back, and stops. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Looks for due runs this often at least even when nobody said that there are any: notifications can be lost, as when their runner dies before it sends them. */
const maxPollMs = 1_000;
/** Connections for what the tasks of this runner ask for. */
const callConnections = 8;
const defaultDrainMs = 30_000;
/** How long a stopping runner waits for attempts that it ended: to be gone, and for a database that is away to take their ends. */
const abandonMs = 20_000;

/** Starts claiming and executing runs. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { store, keys = null, folder, extension = null, leaseMs = defaultLeaseMs, onEvent = () => undefined } = options;
  const machineFolder = makeFolder(options.machineFolder ?? resolve(folder ?? '.', '.cloudcode'));
  const concurrency = options.concurrency ?? Math.max(4, availableParallelism() * 2);
  // A death must not hold up a queue for longer than the lease tells.
  const pollMs = Math.min(maxPollMs, leaseMs);
  const workerStart = chooseWorkerStart(options.workerStart);
  const id = randomUUID();
  const trouble = (what: string, error: unknown): void => onEvent({ kind: 'trouble', what, error });
  const log = (message: string): void => trouble('processes', message);
  const risks = await readRisks(store);
  const containment = await openContainment({
    runnerId: id,
    log,
    onUnkilled(worker, error) {
      onEvent({ kind: 'kill_failed', workerId: worker.workerId, error });
      guard.killWorker(worker);
    },
    onKilled({ workerId }) {
      onEvent({ kind: 'kill_succeeded', workerId });
      claiming.wake();
    },
  });
  const guard = await startGuard({ runnerId: id, cgroupPath: containment.cgroupPath, log });
  const callStore = await openStore({ url: store.url, maxConnections: callConnections, runnerId: id, onEvent });
  const folders = machineFolders(machineFolder);
  const code = {
    bundles: openBundleCache(store, folders.bundles),
    states: openExtensionStates(store),
    deployments: openDeploymentFolders(store, folders),
  };
  const leaseStore = await openStore({ url: store.url, maxConnections: 1, limitMs: renewLimitMs(leaseMs) });
  const lease = await holdLease({
    store: leaseStore,
    guard,
    onEvent,
    runner: { id, host: hostname(), pid: process.pid, processIdentity: ownProcessIdentity(), leaseMs },
  });
  const starter = openWorkerStarter({
    runnerId: id,
    containment,
    folder: folder ?? machineFolder,
    addonFolder: join(machineFolder, 'fork-server'),
    compiledFolder: join(machineFolder, 'workers'),
    spawnFolder: join(machineFolder, 'spawn'),
    workerStart,
    holdsLease: lease.holds,
    onChange(memoryMb) {
      onEvent({ kind: 'fork_server_ready', memoryMb });
      pool.refill();
    },
    onTrouble: (error) => trouble('the fork server', error),
    onSpawnTrouble: (error) => trouble('workers are started by Node, as the native part for that does not work', error),
  });
  const pool = openWorkerPool({
    starter,
    concurrency,
    need: { memoryMb: defaultTaskConfig.memoryMb, workerStart: null, startVariables: '' },
    machine: thisMachine(),
    onTrouble: (error) => trouble('a waiting worker could not be started', error),
  });
  const fitness = openFitness({
    probe: async (stopping) => {
      if (keys !== null) await checkMasterKey(store, keys, { makes: false });
      await probeMachine({ runnerId: id, folder: folders.bundles, starter }, stopping);
    },
    onChange(reason) {
      onEvent(reason === null ? { kind: 'runner_fit' } : { kind: 'runner_unfit', reason });
      recording.wake();
    },
    onFree: () => claiming.wake(),
  });
  let recorded: string | null = null;
  const recording = startLoop({
    turn: async () => {
      const reason = fitness.unfitReason();
      if (reason !== recorded) await setUnfitReason(store, id, reason);
      recorded = reason;
      return Infinity;
    },
    onError: () => 1000,
  });
  const listing = startListing(store, onEvent);
  const claimOnInsert: Runner['claimOnInsert'] = () => (lease.holds() ? claimer.claimOnInsert() : null);
  const abandon = new AbortController();
  const slots = openSlots({
    concurrency,
    pool,
    code,
    fitness,
    unproven: containment.unproven,
    onFree: () => claiming.wake(),
    context: {
      store,
      callStore,
      answerCalls: openAnswers(extension, { claimOnInsert }),
      extension: extension?.worker ?? null,
      writeEnd: openEndWriter(store, listing.soon),
      onEvent,
      folder,
      holdsLease: lease.holds,
      abandon: abandon.signal,
    },
  });
  const claimer = openClaimer({
    store,
    runnerId: id,
    openVariables: variablesOpener(keys),
    free: slots.free,
    onClaimed: slots.fill,
    onFree: () => claiming.wake(),
    onWrong: (wrong) =>
      mendWrongRows(store, wrong).then(
        () => onEvent({ kind: 'store_mended', wrong }),
        (error: unknown) => trouble('what can be claimed could not be mended', error),
      ),
  });

  const claiming = startClaiming({
    store,
    claimer,
    pollMs,
    mayClaim: () => lease.holds(),
    onError: (error) => trouble('runs could not be claimed', error),
  });
  for (const each of [store, callStore]) each.onNotify(claiming.wake);
  const listening = listen(store.url, id, {
    claimable: claiming.wake,
    cancel: slots.cancel,
    check: () => checkingDeployments.wake(),
    trouble: (error) => trouble('the connection for notifications', error),
  });
  lease.keep({
    onLost: () => slots.endAll(leaseLost),
    // A claim whose answer is still to come may bring runs that others were given meanwhile.
    isIdle: () => slots.size() === 0 && claimer.idleEpoch() !== null,
    onRevived() {
      pool.refill();
      claiming.wake();
    },
  });
  const checkingDeployments = startCheckingDeployments({
    store,
    runnerId: id,
    pool,
    code,
    openVariables: variablesOpener(keys),
    extension: extension?.worker ?? null,
    mayStart: () => lease.holds() && fitness.unfitReason() === null,
    onError: (error) => trouble('a deployment to come could not be checked', error),
  });
  const checking = startCheckingHeldRuns(store, { id, leaseMs, slots, claimer, onEvent });
  const rescuing = startRescuing(store, id, onEvent);
  const marking = startMarking(slots, onEvent);
  const pruning = startPruning(store, folders, onEvent);
  for (const risk of risks) trouble('the database', risk);
  onEvent({ kind: 'runner_started', runnerId: id, concurrency, containment: containment.mechanism });

  const drain = async (drainMs: number): Promise<void> => {
    await Promise.all([claiming.stop(), claimer.close()]);
    if (slots.size() > 0) onEvent({ kind: 'draining', running: slots.size() });
    await within(drainMs, slots.idle());
    slots.endAll({ kind: 'cancelled', why: 'The runner stopped; the attempt does not count.', cancelRequested: false });
    await within(abandonMs, slots.idle());
    abandon.abort();
    await slots.idle();
  };
  const close = async (drainMs: number): Promise<void> => {
    await drain(drainMs);
    await Promise.all([listening.stop(), fitness.stop(), recording.stop(), checkingDeployments.stop()]);
    await pool.close();
    await starter.close();
    await Promise.all([checking.stop(), rescuing.stop(), marking.stop(), pruning.stop(), listing.stop(), lease.stop()]);
    await endLease(leaseStore, id).catch((error: unknown) => trouble('the lease could not be given back', error));
    await guard.stop();
    containment.close();
    await Promise.all([callStore.close(), leaseStore.close()]);
  };
  let stopped: Promise<void> | null = null;
  const stop: Runner['stop'] = ({ drainMs = defaultDrainMs } = {}) => (stopped ??= close(drainMs));
  return { id, unfitReason: fitness.unfitReason, claimOnInsert, stop, [Symbol.asyncDispose]: () => stop() };
}

/** With symbolic links resolved: modules know themselves by such paths. One that cannot be made is found by whatever needs it. */
function makeFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
