import type { Command } from 'commander';
import { CloudCodeError } from '../engine/core/errors.ts';
import { defaultLeaseMs, maxLeaseMs, minLeaseMs } from '../engine/core/lease.ts';
import type { ServiceOptions } from '../main/system.ts';
import type { Invocation } from './invocation.ts';
import { parsePort, parseWholeNumber } from './parse-values.ts';
import { refuseWithout } from './refuse-extra-arguments.ts';

/** What `start` and `serve` take alike; `dev` takes the port alone. */
export interface ServeOptions {
  readonly port: string;
  readonly host?: string;
  readonly concurrency?: string;
  readonly leaseMs?: string;
  readonly runner?: boolean;
  readonly http?: boolean;
}

export const defaultPort = '4000';
const maxConcurrency = 10_000;

export function addServeOptions(command: Command): void {
  command
    .option('--port <n>', 'port of the HTTP API; 0 takes a free one', defaultPort)
    .option('--host <host>', 'loopback address to listen on', '127.0.0.1')
    .option('--concurrency <n>', 'runs at once')
    .option(
      '--lease-ms <n>',
      `how soon other machines notice that this one is gone: ${minLeaseMs} to ${maxLeaseMs} (default: ${defaultLeaseMs})`,
    )
    .option('--no-runner', 'serve the API only: run nothing')
    .option('--no-http', 'run only: serve no API');
  refuseWithout(command, 'http', ['port', 'host']);
  refuseWithout(command, 'runner', ['concurrency', 'leaseMs', 'workerStart']);
}

/** @throws CloudCodeError `wrong_usage` */
export function readServeOptions(
  { global }: Invocation,
  options: ServeOptions,
): Omit<ServiceOptions, 'onEvent' | 'masterKey'> {
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
      : parseWholeNumber('--lease-ms', options.leaseMs, { from: minLeaseMs, to: maxLeaseMs });
  const port = parsePort(options.port);
  return {
    data: global.data,
    databaseUrl: global.database,
    http: options.http === false ? null : { host: options.host ?? '127.0.0.1', port },
    runner: options.runner === false ? null : { concurrency, leaseMs },
  };
}
