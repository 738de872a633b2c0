import type { Command } from 'commander';
import { parseScheduleRequest } from '../../engine/core/schedule-request.ts';
import { invoke, type Invocation } from '../invocation.ts';
import { readParameters } from '../parse-values.ts';
import { runTask } from '../run-task.ts';

interface RunOptions {
  readonly parameters?: string;
  readonly queue?: string;
  readonly key?: string;
  readonly drain?: boolean;
}

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .argument('<task>', 'name of the task')
    .description('schedule one run, show its console, wait for its end and print it; needs no server')
    .option('--parameters <json>', 'a JSON object; @file reads a file, - standard input')
    .option('--queue <name>', 'no two runs of one queue run at once')
    .option('--key <key>', 'while a run of the task with this key is unfinished, give that one')
    .option('--drain', 'then wait until nothing is left to do within a minute')
    .addHelpText(
      'after',
      `
Beside dev, what was just saved is deployed first, and nothing is scheduled when that is broken; beside start, what has changed since is named.
Exit status: 0 succeeded, 1 failed, 2 wrong usage, 3 dead, 4 cancelled, 5 the server or database cannot be reached.

Examples:
  $ cloudcode run import_orders
  $ cloudcode run import_orders --parameters '{ "from": 500 }' --queue import --drain
  $ cloudcode run import_orders --parameters @parameters.json --json`,
    );
  command.action((task: string, options: RunOptions) =>
    invoke(command, (invocation) => run(invocation, task, options)),
  );
}

async function run(invocation: Invocation, task: string, options: RunOptions): Promise<number> {
  const body = {
    task,
    ...(options.parameters === undefined ? {} : { parameters: await readParameters(options.parameters) }),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  // What is wrong with it is found before anything is opened or started.
  parseScheduleRequest(body, new Date());
  return runTask(invocation, { body, drain: options.drain === true });
}
