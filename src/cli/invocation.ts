import type { Command } from 'commander';
import { CloudCodeError, errorCatalogue } from '../engine/core/errors.ts';
import type { GivenKeys } from '../engine/operations/master-key.ts';
import type { Problem } from '../service/api/http-problem.ts';
import { escapeLines } from './terminal/escape-text.ts';
import { openTerminal, type Terminal } from './terminal/terminal.ts';
import { messageOf } from '../engine/core/thrown.ts';

/** The options that every command takes, with what stands in for them. */
export interface GlobalOptions {
  readonly project: string;
  /** Whether --project was given. */
  readonly projectGiven: boolean;
  readonly environment: string;
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly database: string | undefined;
  readonly data: string | undefined;
  readonly masterKey: GivenKeys;
  readonly json: boolean;
}

export interface Invocation {
  readonly global: GlobalOptions;
  readonly terminal: Terminal;
}

/** The exit statuses of the contract. */
export const exitStatuses = { done: 0, failed: 1, refused: 2, dead: 3, cancelled: 4, outOfReach: 5 } as const;

/** Runs a command's action and ends the process with its status; an error is told in one place, and with --json also as the document. */
export async function invoke(command: Command, action: (invocation: Invocation) => Promise<number>): Promise<never> {
  const global = readGlobalOptions(command);
  const terminal = openTerminal(global.json);
  const status = await settle(action, { global, terminal });
  await terminal.flush();
  process.exit(status);
}

async function settle(action: (invocation: Invocation) => Promise<number>, invocation: Invocation): Promise<number> {
  const { terminal } = invocation;
  try {
    return await action(invocation);
  } catch (thrown) {
    const { error, status } = tellError(terminal, thrown);
    if (terminal.json) terminal.printJson(await problemOf(error));
    return status;
  }
}

function readGlobalOptions(command: Command): GlobalOptions {
  const given = command.optsWithGlobals<{
    project?: string;
    environment?: string;
    url?: string;
    token?: string;
    database?: string;
    data?: string;
    json?: boolean;
  }>();
  return {
    project: given.project ?? '.',
    projectGiven: given.project !== undefined,
    environment: given.environment ?? 'testing',
    url: given.url ?? fromEnvironment('CLOUDCODE_URL'),
    token: given.token ?? fromEnvironment('CLOUDCODE_TOKEN'),
    database: given.database ?? fromEnvironment('CLOUDCODE_DATABASE_URL'),
    data: given.data ?? fromEnvironment('CLOUDCODE_DATA'),
    masterKey: {
      current: takeFromEnvironment('CLOUDCODE_MASTER_KEY'),
      next: takeFromEnvironment('CLOUDCODE_NEW_MASTER_KEY'),
    },
    json: given.json === true,
  };
}

/** Nothing that is started from here on gets it. */
function takeFromEnvironment(name: string): string | undefined {
  const value = fromEnvironment(name);
  Reflect.deleteProperty(process.env, name);
  return value;
}

function fromEnvironment(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** Tells an error on standard error. @returns it as one of the catalogue, and the exit status */
export function tellError(
  terminal: Terminal,
  error: unknown,
): { readonly error: CloudCodeError; readonly status: number } {
  const { colours } = terminal.err;
  if (!(error instanceof CloudCodeError)) {
    terminal.tell(
      `${colours.red('error')}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    terminal.tell('This is a fault of CloudCode itself (internal).');
    return {
      error: new CloudCodeError('internal', messageOf(error)),
      status: exitStatuses.failed,
    };
  }
  // A message may show a line of the source below; the code stays with the sentence.
  const [sentence = '', ...below] = escapeLines(error.message).split('\n');
  terminal.tell([`${colours.red('error')}: ${sentence} ${colours.dim(`(${error.code})`)}`, ...below].join('\n'));
  if (error.hint !== undefined) terminal.tell(escapeLines(error.hint));
  return { error, status: errorCatalogue[error.code].exitStatus };
}

export async function problemOf(error: CloudCodeError): Promise<Problem> {
  const protocol = await import('../service/api/http-problem.ts');
  return protocol.problemOf(error);
}
