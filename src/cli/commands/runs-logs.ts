import type { Command } from 'commander';
import { followLogs, readLogs } from '../../client/backend.ts';
import type { NumberedLine } from '../../engine/core/run.ts';
import { runs as operations } from '../../service/api/runs.ts';
import { lineDescriber } from '../describe-line.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { resolveBackend } from '../resolve-backend.ts';

export function addRunsLogs(runs: Command): void {
  const logs = runs
    .command('logs')
    .argument('<id>', 'the id of the run')
    .option('--follow', 'go on until the run is finished')
    .description("print a run's console, each line with its time")
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode runs logs ID
  $ cloudcode runs logs ID --follow
  $ cloudcode runs logs ID --json`,
    );
  logs.action((id: string, options: { follow?: boolean }) =>
    invoke(logs, (invocation) => printLogs(invocation, id, options.follow === true)),
  );
}

async function printLogs({ terminal, global }: Invocation, id: string, follow: boolean): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const describe = lineDescriber(terminal.out, { withTimes: true });
    const all: NumberedLine[] = [];
    await backend.call(operations.get, { id });
    for await (const line of follow ? followLogs(backend, id, terminal.closed) : readLogs(backend, id)) {
      if (terminal.json) all.push(line);
      else terminal.out.write(describe(line));
      if (terminal.closed.aborted) break;
    }
    if (terminal.json)
      terminal.printJson({ lines: all.map(({ at, attempt, level, message }) => ({ at, attempt, level, message })) });
    return exitStatuses.done;
  } finally {
    await close();
  }
}
