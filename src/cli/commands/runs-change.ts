import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import type { Run } from '../../core/run.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { resolveBackend } from '../resolve-backend.ts';

/** `runs show`, `runs retry` and `runs cancel`: each answers with the run. */
export function addRunsChange(runs: Command): void {
  add(runs, 'show', 'show one run', (backend, id) => backend.getRun(id));
  add(runs, 'retry', 'give a failed, dead or cancelled run a new set of attempts', (backend, id) => backend.retryRun(id));
  add(runs, 'cancel', 'end a waiting run, or kill a running one', (backend, id) => backend.cancelRun(id));
}

function add(runs: Command, name: string, description: string, ask: (backend: Backend, id: string) => Promise<Run>): void {
  const command = runs.command(name).argument('<id>', 'the id of the run').description(description);
  command.action((id: string) => invoke(command, (invocation) => answer(invocation, (backend) => ask(backend, id))));
}

async function answer({ terminal, global }: Invocation, ask: (backend: Backend) => Promise<Run>): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const run = await ask(backend);
    if (terminal.json) terminal.printJson(run);
    else terminal.print(describeRun(run, terminal.out.colours, Date.now()));
    return exitStatuses.done;
  } finally {
    await close();
  }
}
