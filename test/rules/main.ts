// Switches off one rule of the product after another and shows what a campaign finds then: `npm run test:rules`, or `npm run test:rules -- fence` for the rules whose names have that.
import process, { argv, exit, stdout } from 'node:process';
import { findViolation } from './find-violation.ts';
import { rules } from './rules.ts';
import type { CampaignReport } from './run-campaign.ts';

const wanted = argv.slice(2);
const chosen = rules.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const failed: string[] = [];
const interrupted = new AbortController();
// The campaign under way is told so by the terminal as well, and ends in order.
process.on('SIGINT', () => interrupted.abort());

for (const rule of chosen) {
  if (interrupted.signal.aborted) exit(130);
  stdout.write(`\n${rule.name}: ${rule.without}\n`);
  if (rule.besides !== undefined) stdout.write(`  (${rule.besides})\n`);
  const { isAsExpected } = await findViolation(rule, (report) => stdout.write(describe(report))).catch(
    (error: unknown) => {
      stdout.write(`  ${error instanceof Error ? error.message : String(error)}\n`);
      return { isAsExpected: false };
    },
  );
  if (isAsExpected) continue;
  failed.push(rule.name);
  stdout.write(`  EXPECTED: ${rule.finds.join(' or ') || 'nothing'}\n`);
}
stdout.write(
  `\n${chosen.length - failed.length} of ${chosen.length} as expected${failed.length > 0 ? `; not: ${failed.join(', ')}` : ''}\n`,
);
exit(failed.length === 0 && chosen.length > 0 ? 0 : 1);

function describe({ seed, tookMs, counts, cases, shortfalls }: CampaignReport): string {
  const found = Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
  const first = cases[0] === undefined ? '' : `\n    such as: ${cases[0].what}`;
  return `  seed ${seed}, ${Math.round(tookMs / 1000)} s: ${found || 'nothing found'}${first}\n${shortfalls.map((each) => `    not done as planned: ${each}\n`).join('')}`;
}
