import { databaseServer } from '../engine/store/database-url.ts';
import { openStore, type Store } from '../engine/store/open-store.ts';
import type { CampaignOptions, CampaignWatch } from './campaign-options.ts';
import { type MadeFault, runFaults } from './faults/run-faults.ts';
import type { History } from './judge/history.ts';
import { readHistory } from './judge/read-history.ts';
import { findShortfalls } from './judge/shortfalls.ts';
import { type LeftOut, leftOutOf } from './plan/fault-kinds.ts';
import { planFaults, type PlannedFault } from './plan/plan-faults.ts';
import { planRuns, type RunPlan } from './plan/plan-runs.ts';
import { processesLeftOver } from './processes/runner-children.ts';
import { maxLoopDelay } from './processes/max-loop-delay.ts';
import { openRunners, type Runners } from './processes/open-runners.ts';
import { prepareStore } from './scratch/prepare-store.ts';
import type { ScratchDatabase } from './scratch/scratch-database.ts';
import type { ScratchFolder } from './scratch/scratch-folder.ts';
import { openWitnessFile } from './witness/witness-file.ts';
import { feedRuns, scheduleForFaults } from './workload/feed-runs.ts';
import { type Asked, meddle } from './workload/meddle.ts';
import type { Progress } from './workload/progress.ts';
import { sampleClocks } from './workload/sample-clocks.ts';
import { waitUntilFinished } from './workload/unfinished.ts';

export interface Scratch {
  readonly scratch: ScratchFolder;
  readonly database: ScratchDatabase;
}

/** What happened in a campaign, before anybody judges it. */
export interface Happened {
  readonly history: History;
  readonly faults: readonly MadeFault[];
  readonly leftOut: readonly LeftOut[];
  readonly asked: readonly Asked[];
  readonly shortfalls: readonly string[];
  readonly runnerLoopDelayMaxMs: number | null;
}

interface Plan {
  readonly faults: readonly PlannedFault[];
  readonly leftOut: readonly LeftOut[];
  readonly runs: RunPlan;
}

/** Starts the runners, schedules the runs, makes the faults, heals them, waits for the end and stops the runners. @returns null when it was interrupted */
export async function carryOut(on: Scratch, options: CampaignOptions, watch: CampaignWatch): Promise<Happened | null> {
  const { scratch, database } = on;
  await using store = await openStore({ url: database.url });
  await prepareStore(store, scratch.project);
  const plan = planCampaign(database, options);
  watch.onPhase('starting the runners');
  await using runners = await openRunners(options.runners, {
    databaseUrl: database.url,
    scratch,
    leaseMs: options.leaseMs,
    stopping: watch.interrupted,
  });
  const sampling = new AbortController();
  const clockSamples = sampleClocks(store, sampling.signal);
  try {
    const { witness, ...told } = await work({ ...on, store, runners }, { plan, options, watch });
    watch.onPhase('waiting for the last runs');
    await waitUntilFinished(store, watch.interrupted);
    watch.onPhase('stopping the runners');
    await runners.stop();
    if (watch.interrupted.aborted) return null;
    const leftOver = await processesLeftOver(store);
    sampling.abort();
    const retried = told.asked.filter(({ kind }) => kind === 'retry').map(({ of }) => of);
    const endedByThemselves = runners.all.flatMap(({ number, endedByItself }) =>
      endedByItself.map((how) => `runner ${number + 1}: ${how}`),
    );
    const history = await readHistory(store, {
      witness: witness.lines(),
      acknowledged: told.acknowledged,
      faults: told.faults,
      retried,
      leftOver,
      endedByThemselves,
      clockSamples: await clockSamples,
    });
    return {
      history,
      faults: told.faults,
      asked: told.asked,
      shortfalls: findShortfalls(history, { ...plan, options, made: told.faults }),
      leftOut: plan.leftOut,
      runnerLoopDelayMaxMs: maxLoopDelay(runners.all.map(({ number }) => scratch.clockOf(number))),
    };
  } finally {
    sampling.abort();
    await clockSamples;
  }
}

function planCampaign(database: ScratchDatabase, options: CampaignOptions): Plan {
  const surroundings = {
    ownServer: database.restart !== null,
    plainConnections: !databaseServer(database.url).isEncrypted,
    forkedWorkers: options.forkedWorkers,
  };
  const leftOut = leftOutOf(options.kinds, surroundings);
  const kinds = options.kinds.filter((kind) => leftOut.every((each) => each.kind !== kind));
  return { leftOut, faults: kinds.length === 0 ? [] : planFaults({ ...options, kinds }), runs: planRuns(options) };
}

/** From the first run to the last fault's healing. */
async function work(
  { scratch, database, store, runners }: Scratch & { readonly store: Store; readonly runners: Runners },
  { plan, options, watch }: { readonly plan: Plan; readonly options: CampaignOptions; readonly watch: CampaignWatch },
) {
  const progress: Progress = {
    runs: plan.runs.runs.reduce((sum, { count }) => sum + count, 0),
    faults: plan.faults.length,
    runsScheduled: 0,
    faultsBegun: 0,
  };
  const acknowledged: string[] = [];
  const witness = openWitnessFile(scratch.witnessFile);
  // One that fails ends the others.
  const failing = new AbortController();
  const stopping = AbortSignal.any([watch.interrupted, failing.signal]);
  const atEnd = new AbortController();
  const all = { store, queues: plan.runs.queues, acknowledged, stopping };
  const telling = setInterval(() => watch.onProgress(progress), 200);
  watch.onPhase('running');
  try {
    const meddling = meddle({ ...all, seed: options.seed, stopping: AbortSignal.any([stopping, atEnd.signal]) });
    const striking = {
      ...all,
      runners: runners.all,
      database,
      witness,
      clockOf: scratch.clockOf,
      scheduleMore: () => scheduleForFaults(store, runners.all.length, all),
    };
    const ended = Promise.all([
      runFaults(plan.faults, striking, progress),
      feedRuns({ ...all, plan: plan.runs, progress }),
    ]).finally(() => atEnd.abort());
    const [[faults], asked] = await Promise.all([ended, meddling]);
    return { faults, asked, acknowledged, witness };
  } catch (error) {
    failing.abort();
    throw error;
  } finally {
    clearInterval(telling);
  }
}
