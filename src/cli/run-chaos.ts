import { type CampaignOptions, runCampaign } from '../chaos/campaign.ts';
import { catchInterrupts, interruptStatus } from './interrupts.ts';
import { exitStatuses, type Invocation } from './invocation.ts';
import { checkDatabaseUrl } from './resolve-backend.ts';
import { showLiveLine } from './terminal/live-line.ts';

const lineEveryMs = 15_000;

/** Carries out a campaign and prints its table. @returns the exit status: 1 when anything was violated */
export async function runChaos({ terminal }: Invocation, options: CampaignOptions): Promise<number> {
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl);
  using interrupts = catchInterrupts(terminal);
  terminal.tell(`Seed ${options.seed}: ${options.runs} runs in ${options.queues} queues on ${options.runners} runners, ${options.faults} faults.`);
  let phase = '';
  let counts = '';
  const describe = (): string => `${phase}${counts}`;
  const live = showLiveLine(terminal.err, describe);
  const periodic = terminal.err.isTerminal ? undefined : setInterval(() => terminal.tell(describe()), lineEveryMs);
  try {
    const record = await runCampaign(options, {
      stopping: interrupts.signal,
      onPhase: (next) => (phase = next),
      onFault: () => undefined,
      onProgress: ({ runsScheduled, runs, faultsBegun, faults }) => (counts = `: ${runsScheduled} of ${runs} runs scheduled, ${faultsBegun} of ${faults} faults begun`),
    });
    if (interrupts.signal.aborted) {
      terminal.tell('Interrupted: nothing was checked.');
      return interruptStatus(interrupts.signal.reason);
    }
    live.stop();
    terminal.printJson({ ...record, witness: record.witness.length, acknowledged: record.acknowledged.length, overlaps: record.witness.filter((line) => line.kind === 'overlap'), asked: record.asked.length, refused: record.witness.filter((line) => line.kind === 'refused') });
    return exitStatuses.done;
  } finally {
    clearInterval(periodic);
    live.stop();
  }
}
