import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import type { Run } from '../../core/run.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, problemOf, tellError, type Invocation } from '../invocation.ts';
import { resolveBackend } from '../resolve-backend.ts';

type Ask = (backend: Backend, id: string) => Promise<Run>;

/** `runs show`, `runs retry` and `runs cancel`: each answers with the runs it was given. */
export function addRunsChange(runs: Command): void {
  add(runs, 'show', 'show runs', (backend, id) => backend.getRun(id));
  add(runs, 'retry', 'give failed, dead or cancelled runs a new set of attempts', (backend, id) => backend.retryRun(id));
  add(runs, 'cancel', 'end waiting runs, and kill running ones', (backend, id) => backend.cancelRun(id));
}

function add(runs: Command, name: string, description: string, ask: Ask): void {
  const command = runs
    .command(name)
    .argument('<id...>', 'the ids of the runs')
    .description(description)
    .addHelpText('after', '\nEvery run is tried. With --json one prints its run, several { "runs": [ … ] }, and "problems" where some were refused.\nThe exit status is the worst.');
  command.action((ids: string[]) => invoke(command, (invocation) => answer(invocation, [...new Set(ids)], ask)));
}

async function answer(invocation: Invocation, ids: readonly string[], ask: Ask): Promise<number> {
  const { backend, close } = await resolveBackend(invocation.global);
  try {
    const [only] = ids;
    if (only === undefined || ids.length > 1) return await answerAll(invocation, ids, (id) => ask(backend, id));
    const run = await ask(backend, only);
    if (invocation.terminal.json) invocation.terminal.printJson(run);
    else printRun(invocation, run);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

/** Every run is tried; what one was refused for does not keep the others. @returns the worst exit status */
async function answerAll(invocation: Invocation, ids: readonly string[], ask: (id: string) => Promise<Run>): Promise<number> {
  const { terminal } = invocation;
  const runs: Run[] = [];
  const problems: unknown[] = [];
  let worst: number = exitStatuses.done;
  for (const id of ids) {
    try {
      const run = await ask(id);
      runs.push(run);
      if (!terminal.json) printRun(invocation, run, runs.length > 1);
    } catch (error) {
      const told = tellError(terminal, error);
      problems.push({ id, ...(await problemOf(told.error)) });
      worst = Math.max(worst, told.status);
    }
  }
  if (terminal.json) terminal.printJson({ runs, ...(problems.length === 0 ? {} : { problems }) });
  return worst;
}

function printRun({ terminal }: Invocation, run: Run, isNext = false): void {
  terminal.print(`${isNext ? '\n' : ''}${describeRun(run, terminal.out.colours, Date.now())}`);
}
