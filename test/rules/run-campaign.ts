import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { countNames, type CountName } from '../../src/chaos/judge/verdict.ts';
import type { Campaign } from './rule.ts';

/** What a campaign printed, as far as it is looked at. */
export interface CampaignReport {
  readonly seed: number;
  readonly tookMs: number;
  readonly counts: Readonly<Partial<Record<CountName, number>>>;
  readonly cases: readonly { readonly count: CountName; readonly what: string }[];
}

const withinMs = 280_000;

/** Runs `cloudcode chaos` of a build. @throws Error when it did not come to a verdict */
export async function runCampaign(
  cli: string,
  { runs, faults, kinds, queues = 20, runners = 3, leaseMs = 2000 }: Campaign,
  seed: number,
): Promise<CampaignReport> {
  const numbers = { runs, faults, queues, runners, 'lease-ms': leaseMs, seed };
  const options = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(
    process.execPath,
    [cli, 'chaos', '--json', ...options, ...(kinds === undefined ? [] : ['--kinds', kinds.join(',')])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // In order, so that nothing of it is left.
  const timer = setTimeout(() => child.kill('SIGTERM'), withinMs);
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  clearTimeout(timer);
  if (printed === '')
    throw new Error(`The campaign with seed ${seed} came to no verdict. It said:\n${said.slice(-2000)}`);
  const report = JSON.parse(printed) as Omit<CampaignReport, 'counts'> & Readonly<Record<CountName, number>>;
  return {
    ...report,
    counts: Object.fromEntries(countNames.filter((name) => report[name] > 0).map((name) => [name, report[name]])),
  };
}
