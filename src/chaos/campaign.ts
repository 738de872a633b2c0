import { platform } from 'node:process';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { CampaignOptions, CampaignWatch } from './campaign-options.ts';
import { carryOut, type Happened } from './carry-out.ts';
import { checkHistory } from './judge/check-history.ts';
import type { Verdict } from './judge/verdict.ts';
import { createDatabase, startServer } from './scratch/scratch-database.ts';
import { makeScratchFolder } from './scratch/scratch-folder.ts';

/** How a campaign went. */
export interface CampaignResult extends Happened {
  readonly verdict: Verdict;
  readonly tookMs: number;
  /** Where it is, when it was kept. */
  readonly kept: { readonly folder: string; readonly project: string; readonly databaseUrl: string } | null;
}

/**
 * Carries out a campaign and judges it: runners in processes of their own, runs, and faults. What it starts is gone when it resolves or rejects, and so is what it makes, unless it is
 * to be kept.
 * @returns null when it was interrupted: it was not judged then
 * @throws CloudCodeError `chaos_unsupported`, `chaos_failed`; of the store
 */
export async function runCampaign(options: CampaignOptions, watch: CampaignWatch): Promise<CampaignResult | null> {
  if (platform !== 'linux') {
    throw new CloudCodeError(
      'chaos_unsupported',
      `A campaign finds and watches processes by /proc, which ${platform} has not.`,
      { hint: 'Run it on Linux, in a container for example.' },
    );
  }
  const startedAt = performance.now();
  const scratch = await makeScratchFolder();
  try {
    watch.onPhase('starting the database');
    const database = await (options.databaseUrl === undefined
      ? startServer(scratch)
      : createDatabase(options.databaseUrl));
    try {
      const happened = await carryOut({ scratch, database }, options, watch);
      if (happened === null) return null;
      watch.onPhase('checking what happened');
      return {
        ...happened,
        verdict: checkHistory(happened.history),
        tookMs: Math.round(performance.now() - startedAt),
        kept: options.keep ? { folder: scratch.path, project: scratch.project, databaseUrl: database.url } : null,
      };
    } finally {
      await database.close({ remove: !options.keep });
    }
  } finally {
    if (options.keep) scratch.keep();
    else scratch.remove();
  }
}
