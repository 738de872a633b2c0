import { platform } from 'node:process';
import { CloudCodeError } from '../core/errors.ts';
import { databaseServer } from '../store/database-url.ts';
import { openStore } from '../store/open-store.ts';
import { type MadeFault, runFaults } from './faults/run-faults.ts';
import { type LeftOut, leftOutIn } from './plan/fault-kinds.ts';
import { planFaults } from './plan/plan-faults.ts';
import { planRuns } from './plan/plan-runs.ts';
import { openRunners } from './processes/open-runners.ts';
import { processesLeftOver } from './processes/leftovers.ts';
import { prepareStore } from './scratch/prepare-store.ts';
import { createDatabase, type ScratchDatabase, startServer } from './scratch/scratch-database.ts';
import { makeScratchFolder, type ScratchFolder } from './scratch/scratch-folder.ts';
import { openWitnessFile, type WitnessLine } from './witness/witness-file.ts';
import { feedRuns } from './workload/feed-runs.ts';
import { type Asked, meddle } from './workload/meddle.ts';
import type { Progress } from './workload/progress.ts';
import { waitUntilFinished } from './workload/wait-until-finished.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly runs: number;
  readonly queues: number;
  readonly runners: number;
  readonly faults: number;
  readonly leaseMs: number;
  /** A server on which the campaign makes a database of its own; undefined: it starts a server. */
  readonly databaseUrl: string | undefined;
  /** Leaves the database and the scratch folder. */
  readonly keep: boolean;
}

export interface CampaignWatch {
  onPhase(phase: string): void;
  onFault(fault: MadeFault): void;
  onProgress(progress: Progress): void;
  readonly stopping: AbortSignal;
}

/** What a campaign was, before anybody judges it. */
export interface CampaignRecord {
  readonly faults: readonly MadeFault[];
  readonly leftOut: readonly LeftOut[];
  readonly witness: readonly WitnessLine[];
  readonly acknowledged: readonly string[];
  readonly asked: readonly Asked[];
  /** Runs that were not over when nothing had happened for a minute. */
  readonly unfinished: number;
  /** Processes that outlived the runners. */
  readonly leftOver: readonly number[];
  readonly tookMs: number;
  /** Where it is, when it was kept. */
  readonly kept: { readonly folder: string; readonly databaseUrl: string } | null;
}

/**
 * Carries out a campaign: runners in processes of their own, runs, and faults. What it starts and makes is gone when it resolves or rejects.
 * @throws CloudCodeError `chaos_unsupported`; of the store
 */
export async function runCampaign(options: CampaignOptions, watch: CampaignWatch): Promise<CampaignRecord> {
  if (platform !== 'linux') throw new CloudCodeError('chaos_unsupported', `A campaign finds and watches processes by /proc, which ${platform} has not.`, { hint: 'Run it on Linux, in a container for example.' });
  const scratch = await makeScratchFolder();
  try {
    watch.onPhase('starting the database');
    const database = await (options.databaseUrl === undefined ? startServer(scratch) : createDatabase(options.databaseUrl));
    try {
      return await campaignOn({ scratch, database }, options, watch);
    } finally {
      await database.close({ remove: !options.keep });
    }
  } finally {
    if (options.keep) scratch.keep();
    else scratch.remove();
  }
}

interface Scratch {
  readonly scratch: ScratchFolder;
  readonly database: ScratchDatabase;
}

async function campaignOn({ scratch, database }: Scratch, options: CampaignOptions, watch: CampaignWatch): Promise<CampaignRecord> {
  const startedAt = performance.now();
  await using store = await openStore({ url: database.url });
  await prepareStore(store, scratch.project);
  const leftOut = leftOutIn({ ownServer: database.restart !== null, plainConnections: !databaseServer(database.url).isEncrypted });
  const faultPlan = planFaults({ ...options, leftOut: leftOut.map(({ kind }) => kind) });
  const plan = planRuns(options);
  const progress: Progress = { runs: plan.runs.reduce((sum, { count }) => sum + count, 0), faults: faultPlan.length, runsScheduled: 0, faultsBegun: 0 };
  const acknowledged: string[] = [];
  const witness = openWitnessFile(scratch.witnessFile);
  const { stopping } = watch;

  watch.onPhase('starting the runners');
  await using runners = await openRunners(options.runners, { databaseUrl: database.url, scratch, leaseMs: options.leaseMs, stopping });
  const meddling = new AbortController();
  const working = AbortSignal.any([stopping, meddling.signal]);
  watch.onPhase('running');
  const telling = setInterval(() => watch.onProgress(progress), 1000);
  try {
    const [faults, , asked] = await Promise.all([
      runFaults(faultPlan, { runners: runners.all, database, store, witness, acknowledged, stopping, queues: plan.queues, clockOf: scratch.clockOf }, { progress, onFault: watch.onFault })
        .finally(() => progress.runsScheduled >= progress.runs && meddling.abort()),
      feedRuns(store, { plan, progress, acknowledged, stopping }).finally(() => meddling.abort()),
      meddle(store, { seed: options.seed, queues: plan.queues, acknowledged, stopping: working }),
    ]);
    watch.onPhase('waiting for the last runs');
    const unfinished = await waitUntilFinished(store, stopping);
    watch.onPhase('stopping the runners');
    await runners.stop();
    const leftOver = await processesLeftOver(store);
    return {
      faults, leftOut, acknowledged, asked, unfinished, leftOver,
      witness: witness.lines(),
      tookMs: Math.round(performance.now() - startedAt),
      kept: options.keep ? { folder: scratch.path, databaseUrl: database.url } : null,
    };
  } finally {
    clearInterval(telling);
    meddling.abort();
  }
}
