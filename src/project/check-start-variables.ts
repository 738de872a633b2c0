import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { CloudCodeError } from '../engine/core/errors.ts';
import { maskerOf } from '../engine/core/mask.ts';
import { startVariables } from '../engine/core/start-variables.ts';

const execute = promisify(execFile);
const timeoutMs = 10_000;

/**
 * Starts Node with the variables that a worker of each environment is started with. One that cannot start would fail every run, and be taken for a fault of the machine.
 * @param file the configuration's
 * @throws CloudCodeError `invalid_config`
 */
export async function checkStartVariables(
  folder: string,
  file: string,
  environments: Readonly<Record<string, { readonly variables?: Readonly<Record<string, string>> }>>,
): Promise<void> {
  for (const [environment, { variables = {} }] of Object.entries(environments)) {
    const given = startVariables(variables);
    if (Object.keys(given).length > 0)
      await startNode(given, {
        folder,
        refuse: (why, cause) =>
          new CloudCodeError('invalid_config', `${file}: environments.${environment}.variables: ${why}`, {
            hint: 'Workers of this environment are started with these variables. Fix or remove them.',
            cause,
          }),
      });
  }
}

/** The same for variables that are to be set. @param secrets what no message may show @throws CloudCodeError `invalid_variable` */
export function checkVariablesToStartWith(
  variables: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Promise<void> {
  return startNode(variables, {
    folder: tmpdir(),
    refuse: (why) =>
      new CloudCodeError('invalid_variable', maskerOf(secrets).text(why), {
        hint: 'Workers of this environment would be started with these variables. Nothing was set.',
      }),
  });
}

async function startNode(
  variables: Readonly<Record<string, string>>,
  { folder, refuse }: { readonly folder: string; readonly refuse: (why: string, cause: unknown) => CloudCodeError },
): Promise<void> {
  try {
    await execute(process.execPath, ['-e', '0'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...variables },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error && typeof error.stderr === 'string'
        ? error.stderr.trim().slice(0, 500)
        : '';
    throw refuse(
      `Node cannot start with ${Object.keys(variables).join(', ')}: ${said === '' ? `it was not done within ${timeoutMs / 1000} s, or was ended` : said}`,
      error,
    );
  }
}
