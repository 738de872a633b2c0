import type { Command } from 'commander';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { type WorkerStart, workerStarts } from '../../engine/core/task-config.ts';
import { invoke, type Invocation } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';
import { addServeOptions, readServeOptions, type ServeOptions } from '../serve-options.ts';
import { serveUntilStopped } from '../serve-until-stopped.ts';

interface ServiceCommandOptions extends ServeOptions {
  readonly workerStart?: string;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('serve what others deploy to it until SIGTERM or Ctrl-C; needs no project')
    .option('--worker-start <how>', `how the processes of attempts are started: ${workerStarts.join(' or ')}`)
    .addHelpText(
      'after',
      `
Without --database it keeps everything in an embedded PostgreSQL in .cloudcode of the current folder, or in --data DIR.
Projects deploy to it from where they are: cloudcode deploy --url URL --environment NAME. All environments are served.
On one more machine, \`serve --no-http\` is another runner: it needs the address of the database, and CLOUDCODE_MASTER_KEY where variables are masked.
With --json, the one line on standard output is { url, data, database, pid } once it serves.
The first Ctrl-C or SIGTERM finishes what runs (30 s at most), the second ends at once.

Examples:
  $ cloudcode serve
  $ cloudcode serve --data /var/lib/cloudcode --port 4100
  $ cloudcode serve --database postgres://user:password@host/database
  $ cloudcode serve --database postgres://user:password@host/database --no-http --concurrency 20`,
    );
  addServeOptions(command);
  refuseUnused(command, 'url', 'token', 'project', 'environment');
  command.action((options: ServiceCommandOptions) =>
    invoke(command, (invocation) => serveUntilStopped(invocation, readOptions(invocation, options))),
  );
}

/** @throws CloudCodeError `wrong_usage` */
function readOptions(invocation: Invocation, { workerStart, ...options }: ServiceCommandOptions) {
  const read = readServeOptions(invocation, options);
  if (read.http === null && read.databaseUrl === undefined)
    throw new CloudCodeError('wrong_usage', 'With --no-http it is a runner for a database, and none was named.', {
      hint: 'Name that of the server: --database postgres://user:password@host/database',
    });
  const runner = read.runner === null ? null : { ...read.runner, workerStart: parseWorkerStart(workerStart) };
  return { ...read, runner };
}

function parseWorkerStart(given: string | undefined): WorkerStart | undefined {
  const found = workerStarts.find((each) => each === given);
  if (given === undefined || found !== undefined) return found;
  throw new CloudCodeError('wrong_usage', `--worker-start is ${JSON.stringify(given)}.`, {
    hint: `There are ${workerStarts.join(' and ')}.`,
  });
}
