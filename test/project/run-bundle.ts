import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { BuiltProject, BuiltTask } from '../../src/project/build-project.ts';
import { readBundleText } from '../../src/contents/stored-bundle.ts';

const execute = promisify(execFile);

// What a worker does, without a store: the bundle's file is outside of the project's sources, the working directory is the project.
// Standard output is for the answer; what the task prints goes to standard error.
const program = `
globalThis.console = new console.Console(process.stderr);
const scheduled = [];
import(process.argv[1]).then(async ({ run }) => {
  globalThis.CloudCode = { scheduleTask: async (options) => { scheduled.push(options); return { id: '1' }; } };
  try { process.stdout.write(JSON.stringify({ result: await run(JSON.parse(process.argv[2])), scheduled })); }
  catch (error) { process.stdout.write(JSON.stringify({ stack: error.stack, scheduled })); }
});
`;

export interface Ran {
  readonly result?: unknown;
  readonly stack?: string;
  readonly scheduled: readonly { readonly task: string; readonly parameters?: unknown; readonly queue?: string }[];
}

/** Runs one task of a built project in a process of its own. */
export async function runBundle(project: BuiltProject, name: string, parameters: unknown = {}): Promise<Ran> {
  const task = project.tasks.find((one) => one.name === name);
  if (task === undefined) throw new Error(`The project has no task ${name}.`);
  const place = join(project.folder, dirname(task.file));
  const file = join(place, `bundle.${task.format === 'cjs' ? 'cjs' : 'mjs'}`);
  await writeFile(file, (await readBundleText(task)).code);
  const options = { cwd: project.folder, timeout: 20_000, env: { PATH: process.env['PATH'] } };
  const { stdout } = await execute(process.execPath, ['-e', program, file, JSON.stringify(parameters)], options);
  return JSON.parse(stdout) as Ran;
}

/** The code and the source map of a task, or of a project's first. */
export async function textOf(
  task: BuiltTask | undefined,
): Promise<{ readonly code: string; readonly sourceMap: string }> {
  return task === undefined ? { code: '', sourceMap: '' } : readBundleText(task);
}

/** The first line of a stack that lies in a bundle, as a position in the project's sources. */
export function sourcePosition(stack: string, sourceMap: string): string {
  const [, line, column] = /bundle\.[cm]js:(\d+):(\d+)/.exec(stack) ?? [];
  const origin = new SourceMap(JSON.parse(sourceMap) as SourceMapPayload).findOrigin(Number(line), Number(column));
  return 'fileName' in origin ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}` : 'nowhere';
}
