import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';

const execute = promisify(execFile);

/** Far more than what is asked for takes on a loaded machine. */
const timeoutMs = 60_000;

/**
 * Runs a function in a process of its own, for what may never end and cannot be interrupted. It gets what the module exports.
 * @param module relative to src/
 * @returns what it resolves to, as JSON; rejects after 60 s
 */
export async function inChild<Exports>(
  module: string,
  work: (exports: Exports, argument: string) => unknown,
  argument = '',
): Promise<unknown> {
  const url = pathToFileURL(join(packageRoot, 'src', module)).href;
  const source = `const result = await (${work.toString()})(await import(${JSON.stringify(url)}), process.argv[1]); process.stdout.write(JSON.stringify(result) ?? 'null', () => process.exit());`;
  const { stdout } = await execute(process.execPath, ['--no-warnings', '--input-type=module', '-e', source, argument], {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout) as unknown;
}
