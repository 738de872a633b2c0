import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import type { NumberedLine } from '../../service/api/http-runs.ts';
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
    await backend.getRun(id);
    for await (const line of follow ? backend.followLogs(id, terminal.closed) : allLines(backend, id)) {
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

async function* allLines(backend: Backend, id: string): AsyncGenerator<NumberedLine, void> {
  let seq = 0;
  for (;;) {
    const lines = await backend.readLogs(id, seq);
    if (lines.length === 0) return;
    yield* lines;
    seq = lines.at(-1)?.seq ?? seq;
  }
}
