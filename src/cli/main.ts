import { Command, CommanderError } from 'commander';
import { CloudCodeError } from '../engine/core/errors.ts';
import { packageVersion } from '../package-root.ts';
import { addChaos } from './commands/chaos.ts';
import { addDeploy } from './commands/deploy.ts';
import { addDeployments } from './commands/deployments.ts';
import { addDev } from './commands/dev.ts';
import { addEnvironments } from './commands/environments.ts';
import { addInit } from './commands/init.ts';
import { addKeys } from './commands/keys.ts';
import { addQueues } from './commands/queues.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addSchedule } from './commands/schedule.ts';
import { addServe } from './commands/serve.ts';
import { addStart } from './commands/start.ts';
import { addTypes } from './commands/types.ts';
import { addVariables } from './commands/variables.ts';
import { exitStatuses, problemOf } from './invocation.ts';

// Stays light: what a command needs beyond its own words it imports when it runs.

function createProgram(): Command {
  const program = new Command('cloudcode')
    .description('Runs tasks: each run in a process of its own, never lost, never two at once in a queue.')
    .usage('<command> [options]')
    .version(packageVersion)
    .option('--project <dir>', "the project's folder; the current one unless given")
    .option('--environment <name>', '`testing` unless given')
    .option('--url <url>', 'a running server (CLOUDCODE_URL)')
    .option('--token <token>', 'sent to that server (CLOUDCODE_TOKEN)')
    .option('--database <url>', 'a PostgreSQL in place of the embedded one (CLOUDCODE_DATABASE_URL)')
    .option(
      '--data <dir>',
      "where this machine's files go; .cloudcode in the project's folder unless given (CLOUDCODE_DATA)",
    )
    .option('--json', 'standard output is one JSON document')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(cloudcode --help and cloudcode <command> --help show what there is)')
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode init my-app
  $ cloudcode run count_primes --parameters '{ "below": 2000000 }' --drain
  $ cloudcode dev
  $ cloudcode runs --state dead`,
    );
  for (const add of [
    addInit,
    addDev,
    addStart,
    addServe,
    addRun,
    addDeploy,
    addDeployments,
    addSchedule,
    addRuns,
    addQueues,
    addEnvironments,
    addVariables,
    addKeys,
    addTypes,
    addChaos,
  ])
    add(program);
  return program;
}

// EPIPE: the reader of a help text has gone (| head), which is no fault of the command.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // commander has told it already, but not as JSON.
  const isHelp = error.exitCode === 0;
  if (!isHelp && process.argv.includes('--json')) {
    const problem = await problemOf(new CloudCodeError('wrong_usage', error.message.replace(/^error: /, '')));
    process.stdout.write(`${JSON.stringify(problem, null, 2)}\n`);
  }
  process.exitCode = isHelp ? exitStatuses.done : exitStatuses.refused;
}
