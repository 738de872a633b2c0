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
  /** In what it did not do what it was to. */
  readonly shortfalls: readonly string[];
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
  return readReport(printed, `The campaign with seed ${seed} came to no verdict. It said:\n${said.slice(-2000)}`);
}

/** What `chaos --json` has printed. @throws Error when that is no verdict but an error, which has no counts: a build that does nothing violates nothing either */
export function readReport(printed: string, whatElse: string): CampaignReport {
  const report = JSON.parse(printed === '' ? '{}' : printed) as Partial<Omit<CampaignReport, 'counts'>> &
    Readonly<Partial<Record<CountName, number>>>;
  const { seed, tookMs, cases, shortfalls } = report;
  const all = countNames.map((name) => [name, report[name]] as const);
  if (
    seed === undefined ||
    tookMs === undefined ||
    cases === undefined ||
    shortfalls === undefined ||
    all.some(([, count]) => count === undefined)
  )
    throw new Error(`${whatElse}\n${printed}`);
  return { seed, tookMs, cases, shortfalls, counts: Object.fromEntries(all.filter(([, count = 0]) => count > 0)) };
}
