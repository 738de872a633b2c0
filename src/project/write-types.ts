import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProject, type FoundTask } from './find-project.ts';

const fileName = 'cloudcode-env.d.ts';

/**
 * Writes cloudcode-env.d.ts, from which the compiler knows the global `CloudCode`, the names of the tasks and, from each task's own
 * `run`, its parameters. An unchanged file is left alone, so that no watcher or editor wakes up.
 * @returns the path of the file
 * @throws CloudCodeError of findProject
 */
export async function writeTypes(folder: string): Promise<string> {
  const project = await findProject(folder);
  const path = join(project.folder, fileName);
  const text = describeTypes(project.tasks);
  const old = await readFile(path, 'utf8').catch(() => null);
  if (old !== text) await writeFile(path, text);
  return path;
}

function describeTypes(tasks: readonly FoundTask[]): string {
  const lines = tasks.map(describeTask);
  return `// Written by \`cloudcode types\`; do not edit. It tells the compiler the names of the tasks and their parameters.
declare module 'cloudcode' {
  interface Tasks {
${lines.join('\n')}
  }
}

declare global {
  const CloudCode: import('cloudcode').CloudCode;
}

export {};
`;
}

function describeTask({ name, file }: FoundTask): string {
  // Without `allowJs` the compiler cannot look into JavaScript, and one type that it cannot resolve would switch off every check.
  const parameters = /\.[cm]?jsx?$/.test(file) ? 'object' : `import('cloudcode').ParametersOfRun<typeof import('./${importable(file)}').run>`;
  return `    '${name}': ${parameters};`;
}

/** With the ending of the compiled file, which is allowed under every `moduleResolution`; the compiler looks for the source itself. */
function importable(file: string): string {
  return file.replace(/\.(c|m)?[jt]sx?$/, '.$1js');
}
