import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import type { Run } from '../../engine/core/run.ts';
import { runs as operations } from '../../service/api/runs.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, problemOf, tellError, type Invocation } from '../invocation.ts';
import { resolveBackend } from '../resolve-backend.ts';

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly operation: (typeof operations)['get' | 'retry' | 'cancel'];
  /** What its answer adds to the run's state, for people. */
  readonly stateNote?: (run: Run) => string;
}

/** `runs show`, `runs retry` and `runs cancel`: each answers with the runs it was given. */
export function addRunsChange(runs: Command): void {
  add(runs, { name: 'show', description: 'show runs', operation: operations.get });
  add(runs, {
    name: 'retry',
    description: 'give failed, dead or cancelled runs a new set of attempts',
    operation: operations.retry,
  });
  add(runs, {
    name: 'cancel',
    description: 'end waiting runs, and kill running ones',
    operation: operations.cancel,
    // It stays so until its processes are gone, and may have answered before they are killed.
    stateNote: (run) =>
      run.state === 'running' ? ', its cancel was asked for: it ends when its processes are gone' : '',
  });
}

function add(runs: Command, verb: Verb): void {
  const command = runs
    .command(verb.name)
    .argument('<id...>', 'the ids of the runs')
    .description(verb.description)
    .addHelpText(
      'after',
      '\nEvery run is tried. With --json one prints its run, several { "runs": [ … ] }, and "problems" where some were refused.\nThe exit status is the worst.',
    );
  command.action((ids: string[]) => invoke(command, (invocation) => answer(invocation, [...new Set(ids)], verb)));
}

async function answer(invocation: Invocation, ids: readonly string[], verb: Verb): Promise<number> {
  const { backend, close } = await resolveBackend(invocation.global);
  try {
    const [only] = ids;
    if (only === undefined || ids.length > 1) return await answerAll(invocation, ids, { backend, verb });
    const run = await backend.call(verb.operation, { id: only });
    if (invocation.terminal.json) invocation.terminal.printJson(run);
    else printRun(invocation, run, verb);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

/** Every run is tried; what one was refused for does not keep the others. @returns the worst exit status */
async function answerAll(
  invocation: Invocation,
  ids: readonly string[],
  { backend, verb }: { readonly backend: Backend; readonly verb: Verb },
): Promise<number> {
  const { terminal } = invocation;
  const runs: Run[] = [];
  const problems: unknown[] = [];
  let worst: number = exitStatuses.done;
  for (const id of ids) {
    try {
      const run = await backend.call(verb.operation, { id });
      if (!terminal.json && runs.length > 0) terminal.print('');
      if (!terminal.json) printRun(invocation, run, verb);
      runs.push(run);
    } catch (error) {
      const told = tellError(terminal, error);
      problems.push({ id, ...(await problemOf(told.error)) });
      worst = Math.max(worst, told.status);
    }
  }
  if (terminal.json) terminal.printJson({ runs, ...(problems.length === 0 ? {} : { problems }) });
  return worst;
}

function printRun({ terminal }: Invocation, run: Run, { stateNote }: Verb): void {
  terminal.print(describeRun(run, { colours: terminal.out.colours, now: Date.now(), stateNote: stateNote?.(run) }));
}
