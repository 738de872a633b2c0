import type { Command } from 'commander';
import { CloudCodeError } from '../../core/errors.ts';
import { parseScheduleRequest } from '../../core/schedule-request.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { parseAfter, parseAt, readParameters } from '../parse-values.ts';
import { resolveBackend, type Resolved } from '../resolve-backend.ts';

interface ScheduleOptions {
  readonly parameters?: string;
  readonly at?: string;
  readonly after?: string;
  readonly queue?: string;
}

export function addSchedule(program: Command): void {
  const command = program
    .command('schedule')
    .argument('<task>', 'name of the task')
    .description('schedule one run and print it')
    .option('--parameters <json>', 'a JSON object; @file reads a file, - standard input')
    .option('--at <time>', 'when to run: ISO 8601')
    .option('--after <ms>', 'run after this many milliseconds')
    .option('--queue <name>', 'no two runs of one queue run at once')
    .addHelpText('after', `
Examples:
  $ cloudcode schedule import_orders --parameters '{ "from": 0 }' --queue import
  $ cloudcode schedule report --at 2026-03-01T09:00:00Z
  $ cloudcode schedule report --after 60000 --json`);
  command.action((task: string, options: ScheduleOptions) => invoke(command, (invocation) => schedule(invocation, task, options)));
}

async function schedule(invocation: Invocation, task: string, options: ScheduleOptions): Promise<number> {
  const { terminal, global } = invocation;
  const request = {
    task,
    ...(options.parameters === undefined ? {} : { parameters: await readParameters(options.parameters) }),
    ...(options.at === undefined ? {} : { at: await parseAt(options.at) }),
    ...(options.after === undefined ? {} : { after: parseAfter(options.after) }),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
  };
  // What is wrong with it is found before anything is opened or started.
  parseScheduleRequest(request, new Date());
  const resolved = await resolveBackend(global);
  try {
    const run = await resolved.backend.scheduleRun(request).catch((error: unknown) => deployAndSchedule(error, resolved, { invocation, request }));
    if (terminal.json) terminal.printJson(run);
    else terminal.print(describeRun(run, terminal.out.colours, Date.now()));
    return exitStatuses.done;
  } finally {
    await resolved.close();
  }
}

/** The embedded store knows the tasks of the last `start`, `dev` or `run`. One that was added since, or before the first of these, is deployed now. */
async function deployAndSchedule(error: unknown, resolved: Resolved, from: { readonly invocation: Invocation; readonly request: Readonly<Record<string, unknown>> }) {
  const { store, kind } = resolved;
  if (!(error instanceof CloudCodeError) || error.code !== 'unknown_task' || kind !== 'embedded' || store === null) throw error;
  const { deployFolder } = await import('../../main.ts');
  await deployFolder(store, from.invocation.global.project, from.invocation.global.environment);
  return resolved.backend.scheduleRun(from.request);
}
