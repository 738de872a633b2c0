import type { Rule } from './rule.ts';
import { type CampaignReport, runCampaign } from './run-campaign.ts';
import { makeTestBuild } from './test-build.ts';

/** Seeds that are tried until a campaign finds the violation. */
export const seeds: readonly number[] = [1, 2, 3, 4, 5];

export interface Finding {
  readonly isAsExpected: boolean;
  /** The campaigns, in order; the last one is what was found. */
  readonly reports: readonly CampaignReport[];
}

/** Builds the product without a rule, and runs campaigns until one finds what the rule is for. */
export async function findViolation(
  { edits, campaign, finds }: Rule,
  onReport: (report: CampaignReport) => void = () => undefined,
): Promise<Finding> {
  using build = await makeTestBuild(edits);
  const reports: CampaignReport[] = [];
  for (const seed of seeds) {
    const report = await runCampaign(build.cli, campaign, seed);
    onReport(report);
    reports.push(report);
    const found = Object.keys(report.counts).length > 0;
    if (finds.length === 0) return { isAsExpected: !found && report.shortfalls.length === 0, reports };
    if (finds.some((name) => (report.counts[name] ?? 0) > 0)) return { isAsExpected: true, reports };
  }
  return { isAsExpected: false, reports };
}
