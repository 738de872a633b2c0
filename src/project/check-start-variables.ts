import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CloudCodeError } from '../engine/core/errors.ts';
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
      await startNode(given, { folder, place: `${file}: environments.${environment}.variables` });
  }
}

async function startNode(
  variables: Readonly<Record<string, string>>,
  { folder, place }: { readonly folder: string; readonly place: string },
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
    throw new CloudCodeError(
      'invalid_config',
      `${place}: Node cannot start with ${Object.keys(variables).join(', ')}: ${said === '' ? `it was not done within ${timeoutMs / 1000} s, or was ended` : said}`,
      {
        hint: 'Workers of this environment are started with these variables. Fix or remove them.',
        cause: error,
      },
    );
  }
}
