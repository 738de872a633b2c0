import type { Command } from 'commander';
import { parseScheduleRequest } from '../../engine/core/schedule-request.ts';
import { describeRun } from '../describe-run.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { parseAfter, parseAt, readParameters } from '../parse-values.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { followSteps } from '../terminal/follow-steps.ts';
import { describeFound, scheduleOrDeploy } from '../schedule-or-deploy.ts';

interface ScheduleOptions {
  readonly parameters?: string;
  readonly at?: string;
  readonly after?: string;
  readonly queue?: string;
  readonly key?: string;
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
    .option('--key <key>', 'while a run of the task with this key is unfinished, give that one')
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode schedule import_orders --parameters '{ "from": 0 }' --queue import
  $ cloudcode schedule report --at 2026-03-01T09:00:00Z
  $ cloudcode schedule report --after 60000 --json`,
    );
  command.action((task: string, options: ScheduleOptions) =>
    invoke(command, (invocation) => schedule(invocation, task, options)),
  );
}

async function schedule(invocation: Invocation, task: string, options: ScheduleOptions): Promise<number> {
  const { terminal, global } = invocation;
  const request = {
    task,
    ...(options.parameters === undefined ? {} : { parameters: await readParameters(options.parameters) }),
    at: options.at === undefined ? undefined : await parseAt(options.at),
    ...(options.after === undefined ? {} : { after: parseAfter(options.after) }),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  // What is wrong with it is found before anything is opened or started.
  parseScheduleRequest(request, new Date());
  const { backend, deployable, close } = await resolveBackend(global);
  try {
    using steps = followSteps(terminal.err, { live: { above: terminal.err.write }, show: null });
    const body = { ...request, at: request.at?.toISOString() };
    const scheduled = await scheduleOrDeploy(backend, body, { deployable, tell: terminal.tell, onStep: steps.at });
    const found = describeFound(scheduled);
    if (found !== null) terminal.tell(found);
    const run = scheduled.answer;
    if (terminal.json) terminal.printJson(run);
    else terminal.print(describeRun(run, { colours: terminal.out.colours, now: Date.now() }));
    return exitStatuses.done;
  } finally {
    await close();
  }
}
