import type { Command } from 'commander';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { defaultLeaseMs, maxLeaseMs, shortestLeaseMs } from '../../engine/core/lease.ts';
import type { SystemOptions } from '../../main/system.ts';
import { invoke, type Invocation } from '../invocation.ts';
import { parseWholeNumber, parsePort } from '../parse-values.ts';
import { refuseBothWays, refuseUnused, refuseWithout } from '../refuse-extra-arguments.ts';
import { serveUntilStopped } from '../serve-until-stopped.ts';

export interface ServeOptions {
  readonly port: string;
  readonly host?: string;
  readonly concurrency?: string;
  readonly leaseMs?: string;
  readonly runner?: boolean;
  readonly http?: boolean;
  readonly deploy?: boolean;
}

export const defaultPort = '4000';
const maxConcurrency = 10_000;

export function addStart(program: Command): void {
  const command = program
    .command('start')
    .description('deploy the folder as it stands and serve it until SIGTERM or Ctrl-C')
    .option('--port <n>', 'port of the HTTP API; 0 takes a free one', defaultPort)
    .option('--host <host>', 'loopback address to listen on', '127.0.0.1')
    .option('--concurrency <n>', 'runs at once')
    .option(
      '--lease-ms <n>',
      `how soon other machines notice that this one is gone: ${shortestLeaseMs} to ${maxLeaseMs} (default: ${defaultLeaseMs})`,
    )
    .option('--no-runner', 'serve the API only: run nothing')
    .option('--no-http', 'run only: serve no API')
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
  refuseUnused(command, 'url', 'token');
  refuseWithout(command, 'http', ['port', 'host']);
  refuseBothWays(command, 'deploy');
  refuseWithout(command, 'runner', ['concurrency', 'leaseMs']);
  command.action((options: ServeOptions) =>
    invoke(command, (invocation) => serveUntilStopped(invocation, readServeOptions(invocation, options))),
  );
}

/** @throws CloudCodeError `wrong_usage` */
export function readServeOptions({ global }: Invocation, options: ServeOptions): Omit<SystemOptions, 'onEvent'> {
  if (options.http === false && options.runner === false) {
    throw new CloudCodeError('wrong_usage', 'With --no-runner and --no-http there is nothing left to do.', {
      hint: 'Leave one of them out.',
    });
  }
  const concurrency =
    options.concurrency === undefined
      ? undefined
      : parseWholeNumber('--concurrency', options.concurrency, { from: 1, to: maxConcurrency });
  const leaseMs =
    options.leaseMs === undefined
      ? undefined
      : parseWholeNumber('--lease-ms', options.leaseMs, { from: shortestLeaseMs, to: maxLeaseMs });
  const port = parsePort(options.port);
  return {
    folder: global.project,
    data: global.data,
    databaseUrl: global.database,
    environment: global.environment,
    http: options.http === false ? null : { host: options.host ?? '127.0.0.1', port },
    runner: options.runner === false ? null : { concurrency, leaseMs },
    watch: false,
    brokenTasks: 'refuse',
    deploy: options.deploy === undefined ? 'unless_replaced' : options.deploy ? 'always' : 'never',
  };
}
