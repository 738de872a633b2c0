import type { CampaignOptions } from '../chaos/campaign-options.ts';
import { runCampaign } from '../chaos/campaign.ts';
import { catchInterrupts, interruptStatus } from './interrupts.ts';
import { exitStatuses, type Invocation } from './invocation.ts';
import { campaignJson, printCampaign, violationsIn } from './print-campaign.ts';
import { checkDatabaseUrl } from './resolve-backend.ts';
import { showLiveLine } from './terminal/live-line.ts';

const lineEveryMs = 15_000;

/** Carries out a campaign and prints its table. @returns the exit status: 1 when anything was violated, or not all was done that was planned */
export async function runChaos({ terminal }: Invocation, options: CampaignOptions): Promise<number> {
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl);
  using interrupts = catchInterrupts(terminal);
  const { seed, runs, queues, runners, faults } = options;
  terminal.tell(`Seed ${seed}: ${runs} runs in ${queues} queues on ${runners} runners, ${faults} faults.`);
  let phase = '';
  let counts = '';
  const describe = (): string => (interrupts.signal.aborted ? 'stopping' : `${phase}${counts}`);
  const live = showLiveLine(terminal.err, describe);
  const periodic = terminal.err.isTerminal ? undefined : setInterval(() => terminal.tell(describe()), lineEveryMs);
  try {
    const result = await runCampaign(options, {
      interrupted: interrupts.signal,
      onPhase: (next) => (phase = next),
      onProgress: (progress) =>
        (counts = `: ${progress.runsScheduled} of ${progress.runs} runs scheduled, ${progress.faultsBegun} of ${progress.faults} faults begun`),
    });
    live.stop();
    if (result === null) {
      terminal.tell('Interrupted: nothing was checked.');
      return interruptStatus(interrupts.signal.reason);
    }
    if (terminal.json) terminal.printJson(campaignJson(options, result));
    else printCampaign(terminal, options, result);
    return violationsIn(result) === 0 && result.shortfalls.length === 0 ? exitStatuses.done : exitStatuses.failed;
  } finally {
    clearInterval(periodic);
    live.stop();
  }
}
