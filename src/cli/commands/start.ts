import type { Command } from 'commander';
import { invoke } from '../invocation.ts';
import { refuseBothWays, refuseUnused } from '../refuse-extra-arguments.ts';
import { addServeOptions, readServeOptions, type ServeOptions } from '../serve-options.ts';
import { serveFolderUntilStopped } from '../serve-until-stopped.ts';

interface StartOptions extends ServeOptions {
  readonly deploy?: boolean;
}

export function addStart(program: Command): void {
  const command = program
    .command('start')
    .description('deploy the folder as it stands and serve it until SIGTERM or Ctrl-C')
    .option(
      '--deploy',
      'deploy the folder also when this environment has had its state before and another has replaced it since',
    )
    .option('--no-deploy', 'deploy nothing: serve what is deployed')
    .addHelpText(
      'after',
      `
With --json, the one line on standard output is { url, environment, folder, tasks, pid } once it serves.
A state of the folder that this environment has had before is not deployed when another has replaced it since, so that an older server that
starts again does not make its code everybody's: it says so, and serves what is deployed. --deploy brings the older state back.
The first Ctrl-C or SIGTERM finishes what runs (30 s at most), the second ends at once.

Examples:
  $ cloudcode start
  $ cloudcode start --port 0 --json
  $ cloudcode start --deploy
  $ cloudcode start --database postgres://user:password@host/database --concurrency 20`,
    );
  addServeOptions(command);
  refuseUnused(command, 'url', 'token');
  refuseBothWays(command, 'deploy');
  command.action((options: StartOptions) =>
    invoke(command, (invocation) =>
      serveFolderUntilStopped(invocation, {
        ...readServeOptions(invocation, options),
        folder: invocation.global.project,
        environment: invocation.global.environment,
        watch: false,
        brokenTasks: 'refuse',
        deploy: options.deploy === undefined ? 'unless_replaced' : options.deploy ? 'always' : 'never',
      }),
    ),
  );
}
