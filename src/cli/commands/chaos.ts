import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import type { CampaignOptions } from '../../chaos/campaign-options.ts';
import type { FaultKind } from '../../chaos/plan/fault-kinds.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { maxLeaseMs, minLeaseMs } from '../../engine/core/lease.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { invoke, type Invocation } from '../invocation.ts';
import { parseWholeNumber } from '../parse-values.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';

interface ChaosOptions {
  readonly runs: string;
  readonly queues: string;
  readonly runners: string;
  readonly faults: string;
  readonly kinds?: string;
  readonly leaseMs: string;
  readonly seed?: string;
  readonly keep?: boolean;
}

const maxSeed = 2 ** 32 - 1;

export function addChaos(program: Command): void {
  const command = program
    .command('chaos')
    .description(
      'break runners, connections and the database while runs run, and check that nothing was lost or ran twice at once',
    )
    .option('--runs <n>', 'runs, with those that they schedule', '1000')
    .option('--queues <n>', 'queues that they are in', '40')
    .option('--runners <n>', 'runners, a process each', '3')
    .option('--faults <n>', 'faults', '60')
    .option('--kinds <list>', 'only these kinds of faults, with commas between')
    .option('--seed <n>', 'repeats the plan of another campaign')
    .option('--lease-ms <n>', 'how long a lease of the runners lasts', '3000')
    .option('--keep', 'leave the database and the folder for a look')
    .addHelpText(
      'after',
      `
It works on a PostgreSQL server of its own, which it starts in a folder for temporary files and removes at the end. With --database it makes
a database of its own on that server, drops it at the end, and leaves out what would harm the server. Exit status 1: something was violated.

Examples:
  $ cloudcode chaos
  $ cloudcode chaos --runs 10000 --faults 300 --runners 4
  $ cloudcode chaos --kinds runner_stopped,worker_stopped
  $ cloudcode chaos --seed 42 --json`,
    );
  refuseUnused(command, 'project', 'environment', 'url', 'token', 'data');
  command.action((options: ChaosOptions) =>
    invoke(command, async (invocation) => {
      const { runChaos } = await import('../run-chaos.ts');
      return runChaos(invocation, await readChaosOptions(invocation, options));
    }),
  );
}

/** @throws CloudCodeError `wrong_usage` */
async function readChaosOptions({ global }: Invocation, given: ChaosOptions): Promise<CampaignOptions> {
  return {
    runs: parseWholeNumber('--runs', given.runs, { from: 1, to: 1_000_000 }),
    queues: parseWholeNumber('--queues', given.queues, { from: 0, to: 100_000 }),
    // More would need more connections than a server has as a rule.
    runners: parseWholeNumber('--runners', given.runners, { from: 1, to: 8 }),
    faults: parseWholeNumber('--faults', given.faults, { from: 0, to: 100_000 }),
    kinds: await parseKinds(given.kinds),
    leaseMs: parseWholeNumber('--lease-ms', given.leaseMs, { from: minLeaseMs, to: maxLeaseMs }),
    forkedWorkers: (await import('../../engine/runner/worker-start.ts')).chooseWorkerStart() === 'fork',
    seed:
      given.seed === undefined ? randomInt(maxSeed) : parseWholeNumber('--seed', given.seed, { from: 0, to: maxSeed }),
    databaseUrl: global.database,
    keep: given.keep === true,
  };
}

/** @throws CloudCodeError `wrong_usage` */
async function parseKinds(list: string | undefined): Promise<readonly FaultKind[]> {
  const { faultKinds, isFaultKind } = await import('../../chaos/plan/fault-kinds.ts');
  if (list === undefined) return faultKinds;
  return list.split(',').map((name) => {
    if (isFaultKind(name)) return name;
    const nearest = suggest(name, faultKinds);
    throw new CloudCodeError('wrong_usage', `There is no kind of fault ${JSON.stringify(name)}.`, {
      hint: nearest === null ? `There are ${faultKinds.join(', ')}.` : `Did you mean ${nearest}?`,
    });
  });
}
