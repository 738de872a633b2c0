import type { Command } from 'commander';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { parseWholeNumber } from '../parse-values.ts';
import { runsPrinter } from '../print-runs.ts';
import { refuseExtraArguments, refuseWhatSubcommandsIgnore } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';
import type { Backend } from '../../client/backend.ts';
import type { AnswerOf, CallOf } from '../../service/api/operation.ts';
import { maxPageSize, runs as operations } from '../../service/api/runs.ts';
import { maxSearched } from '../../engine/core/list-limits.ts';
import type { Run } from '../../engine/core/run.ts';
import { filterNames, filterOf, type RunsOptions } from '../run-filters.ts';
import { addRunsLogs } from './runs-logs.ts';
import { addRunsChange } from './runs-change.ts';

export function addRuns(program: Command): void {
  const runs = program
    .command('runs')
    .description('list runs, newest first')
    .allowExcessArguments()
    .option('--state <state>', 'scheduled, queued, running, succeeded, failed, dead or cancelled')
    .option('--task <name>', 'runs of this task')
    .option('--queue <name>', 'runs of this queue')
    .option('--key <key>', 'runs with this key')
    .option('--scheduled-by <id>', 'runs that this run has scheduled')
    .option('--deployment <id>', 'runs whose last attempt was of this deployment')
    .option('--fingerprint <id>', 'runs that finished with an error of this fingerprint (runs show has it)')
    .option('--search <text>', 'in parameters and errors, among the newest 10,000 runs of the other filters')
    .option('--since <time>', 'scheduled then or later: 90s, 15m, 1h or 7d ago, or an ISO 8601 time')
    .option('--until <time>', 'scheduled before that')
    .option('--limit <n>', 'how many', '50')
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode runs --state dead
  $ cloudcode runs --state failed --since 1h
  $ cloudcode runs --scheduled-by ID --state queued
  $ cloudcode runs --search 'order 4711' --since 7d
  $ cloudcode runs --task import_orders --limit 1000 --json
  $ cloudcode runs show ID
  $ cloudcode runs logs ID --follow
  $ cloudcode runs retry ID`,
    );
  runs.action((options: RunsOptions) =>
    invoke(runs, (invocation) => {
      refuseExtraArguments(runs);
      return list(invocation, options);
    }),
  );
  addRunsLogs(runs);
  addRunsChange(runs);
  refuseWhatSubcommandsIgnore(runs, { retry: filterNames, cancel: filterNames });
}

async function list({ terminal, global }: Invocation, options: RunsOptions): Promise<number> {
  const limit = parseWholeNumber('--limit', options.limit ?? '50', { from: 1 });
  const filter = await filterOf(options);
  const { backend, close } = await resolveBackend(global);
  try {
    const all: Run[] = [];
    let searched: number | undefined;
    const printer = runsPrinter(terminal);
    for await (const page of pages(backend, filter, limit)) {
      if (terminal.json) all.push(...page.runs);
      else printer.print(page.runs);
      searched = page.searched;
      if (terminal.closed.aborted) break;
    }
    if (terminal.json) terminal.printJson({ runs: all, searched });
    else printer.end();
    if (searched !== undefined) terminal.tell(searchedNote(searched));
    return exitStatuses.done;
  } finally {
    await close();
  }
}

function searchedNote(searched: number): string {
  const looked = `Looked at the newest ${searched} runs of the other filters`;
  return searched < maxSearched ? `${looked}.` : `${looked}; older ones were not. To go further back: --until.`;
}

async function* pages(
  backend: Backend,
  filter: CallOf<typeof operations.list>,
  limit: number,
): AsyncGenerator<AnswerOf<typeof operations.list>, void> {
  let cursor: string | undefined;
  for (let left = limit; left > 0;) {
    const page = await backend.call(operations.list, { ...filter, limit: Math.min(left, maxPageSize), cursor });
    yield page;
    left -= page.runs.length;
    if (page.nextCursor === null || page.runs.length === 0) return;
    cursor = page.nextCursor;
  }
}
