import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectExtension, TypesOfExtension } from './extension.ts';
import { findProject, type FoundProject, type FoundTask, isTaskName } from './find-project.ts';
import { distinctErrors, throwErrors } from './problems.ts';

const fileName = 'cloudcode-env.d.ts';

/**
 * Writes cloudcode-env.d.ts, from which the compiler knows the global `CloudCode` and the names of the tasks with their parameters (from
 * each task's own `run`), and what an extension adds (the global `DB`, and the models with their fields). An unchanged file is left alone, so that no watcher or
 * editor wakes up.
 * @returns the path of the file
 * @throws CloudCodeError of findProject; `invalid_task`, `task_name_clash`, `invalid_data_model`
 */
export async function writeTypes(folder: string, extension: ProjectExtension): Promise<string> {
  const project = await findProject(folder);
  throwErrors(distinctErrors([...project.misnamed.values()].flat()));
  const names = project.tasks.map(({ name }) => name);
  return writeTypesOf(project, extension.describeTypes(await extension.read(project.folder, names)));
}

/** The same for a project that has been read: of tasks that cannot be scheduled for their names, and of all but one of the same name, nothing is written. */
export async function writeTypesOf(
  { folder, tasks }: Pick<FoundProject, 'folder' | 'tasks'>,
  added: TypesOfExtension,
): Promise<string> {
  const path = join(folder, fileName);
  const named = new Map(tasks.filter(({ name }) => isTaskName(name)).map((task) => [task.name, task]));
  const text = describeTypes([...named.values()].map(describeTask), added);
  const old = await readFile(path, 'utf8').catch(() => null);
  if (old !== text) await writeFile(path, text);
  return path;
}

function describeTypes(tasks: readonly string[], { module, globals }: TypesOfExtension): string {
  return `// Written by \`cloudcode types\`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
${['  interface Tasks {', ...tasks, '  }', ...module].join('\n')}
}

declare global {
${["  const CloudCode: import('cloudcode').CloudCode;", ...globals].join('\n')}
}

export {};
`;
}

function describeTask({ name, file }: FoundTask): string {
  // Without `allowJs` the compiler cannot look into JavaScript, and one type that it cannot resolve would switch off every check.
  const parameters = /\.[cm]?jsx?$/.test(file)
    ? 'object'
    : `import('cloudcode').ParametersOfRun<typeof import('./${importable(file)}').run>`;
  return `    '${name}': ${parameters};`;
}

/** With the ending of the compiled file, which is allowed under every `moduleResolution`; the compiler looks for the source itself. */
function importable(file: string): string {
  return file.replace(/\.(c|m)?[jt]sx?$/, '.$1js');
}
