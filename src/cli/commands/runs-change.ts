import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import type { Run } from '../../engine/core/run.ts';
import { runs as operations } from '../../service/api/runs.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, problemOf, tellError, type Invocation } from '../invocation.ts';
import { resolveBackend } from '../resolve-backend.ts';
import type { RunsOptions } from '../run-filters.ts';
import { changeMany, type ManyOptions } from './runs-change-many.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly operation: (typeof operations)['get' | 'retry' | 'cancel'];
  /** What it does with all runs of a filter; absent: it takes ids alone. */
  readonly many?: 'retry' | 'cancel';
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
    many: 'retry',
  });
  add(runs, {
    name: 'cancel',
    description: 'end waiting runs, and kill running ones',
    operation: operations.cancel,
    many: 'cancel',
    // It stays so until its processes are gone, and may have answered before they are killed.
    stateNote: (run) =>
      run.state === 'running' ? ', its cancel was asked for: it ends when its processes are gone' : '',
  });
}

function add(runs: Command, verb: Verb): void {
  const { many } = verb;
  const command = runs
    .command(verb.name)
    .argument(many === undefined ? '<id...>' : '[id...]', 'the ids of the runs')
    .description(verb.description)
    .addHelpText(
      'after',
      `${many === undefined ? '' : helpOfMany(verb.name)}
Every run is tried. With --json one prints its run, several { "runs": [ … ] }, and "problems" where some were refused.
The exit status is the worst.`,
    );
  if (many !== undefined)
    command
      .option('--dry-run', 'with filters: count the runs, and change nothing')
      .option('--yes', 'with filters: do not ask on a terminal');
  command.action((ids: string[], options: ManyOptions) =>
    invoke(command, (invocation) => {
      const filters = givenFilters(runs);
      if (many === undefined || (ids.length > 0 && filters === null))
        return answer(invocation, [...new Set(ids)], refuseManyOptions(options, verb));
      if (filters !== null && ids.length === 0) return changeMany(invocation, many, { ...options, filters });
      throw new CloudCodeError(
        'wrong_usage',
        ids.length > 0
          ? `\`runs ${verb.name}\` takes ids or filters, not both.`
          : `\`runs ${verb.name}\` needs the ids of runs, or filters.`,
        { hint: `cloudcode runs ${verb.name} ID, or cloudcode runs ${verb.name} --task NAME --since 1h` },
      );
    }),
  );
}

function helpOfMany(name: string): string {
  return `
In place of ids it takes the filters of \`runs\` (--state, --task, --queue, --key, --scheduled-by, --deployment, --fingerprint, --since, --until): every run to which all of them apply, however many there are. It counts them first, and asks on a terminal;
interrupted, the same command goes on with those that are left. With --json it prints { matched, changed, refused, problems }.

Examples:
  $ cloudcode runs ${name} ID
  $ cloudcode runs ${name} --task import_orders --since 1h --dry-run
  $ cloudcode runs ${name} --state ${name === 'retry' ? 'dead' : 'queued'} --queue mail --yes
`;
}

/** Null where none is given. */
function givenFilters(runs: Command): RunsOptions | null {
  const given = runs.options.filter((option) => runs.getOptionValueSource(option.attributeName()) === 'cli');
  return given.length === 0 ? null : runs.opts<RunsOptions>();
}

function refuseManyOptions({ dryRun, yes }: ManyOptions, verb: Verb): Verb {
  if (dryRun !== true && yes !== true) return verb;
  throw new CloudCodeError('wrong_usage', `--${dryRun === true ? 'dry-run' : 'yes'} goes with filters, not with ids.`);
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
