import type { Command } from 'commander';
import { invoke } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';
import { defaultPort, readServeOptions } from '../serve-options.ts';
import { serveFolderUntilStopped } from '../serve-until-stopped.ts';

export function addDev(program: Command): void {
  const command = program
    .command('dev')
    .description('serve the project, and deploy again when a file changes')
    .option('--port <n>', 'port of the HTTP API; 0 takes a free one', defaultPort)
    .addHelpText(
      'after',
      `
What the build reads is watched, wherever it lies. A mistake in a task is told, and the others are deployed without it: it goes on with its last good code. After a mistake in the data model or the configuration all stays as it is. The terminal shows the console of its runs, and their errors.

Examples:
  $ cloudcode dev
  $ cloudcode dev --port 4100`,
    );
  refuseUnused(command, 'url', 'token');
  command.action((options: { port: string }) =>
    invoke(command, (invocation) =>
      serveFolderUntilStopped(invocation, {
        ...readServeOptions(invocation, options),
        folder: invocation.global.project,
        environment: invocation.global.environment,
        deploy: 'always',
        watch: true,
        brokenTasks: 'pass_over',
      }),
    ),
  );
}
