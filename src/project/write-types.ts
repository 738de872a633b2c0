import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataModel } from '../data/model/data-model.ts';
import { describeModel } from '../data/source/describe-model.ts';
import { readDataModelFile } from '../data/source/read-data-model-file.ts';
import { findProject, type FoundProject, type FoundTask, isTaskName } from './find-project.ts';
import { distinctErrors, throwErrors } from './problems.ts';

const fileName = 'cloudcode-env.d.ts';

/**
 * Writes cloudcode-env.d.ts, from which the compiler knows the global `CloudCode` and the names of the tasks with their parameters (from
 * each task's own `run`), and the global `DB` and the models with their fields. An unchanged file is left alone, so that no watcher or
 * editor wakes up.
 * @returns the path of the file
 * @throws CloudCodeError of findProject; `invalid_task`, `task_name_clash`, `invalid_data_model`
 */
export async function writeTypes(folder: string): Promise<string> {
  const project = await findProject(folder);
  throwErrors(distinctErrors([...project.misnamed.values()].flat()));
  return writeTypesOf({
    ...project,
    dataModel: await readDataModelFile(
      project.folder,
      project.tasks.map(({ name }) => name),
    ),
  });
}

/** The same for a project that has been read: of tasks that cannot be scheduled for their names, and of all but one of the same name, nothing is written. */
export async function writeTypesOf({
  folder,
  tasks,
  dataModel,
}: Pick<FoundProject, 'folder' | 'tasks'> & { readonly dataModel: DataModel | null }): Promise<string> {
  const path = join(folder, fileName);
  const named = new Map(tasks.filter(({ name }) => isTaskName(name)).map((task) => [task.name, task]));
  const text = describeTypes([...named.values()].map(describeTask), (dataModel?.models ?? []).map(describeModel));
  const old = await readFile(path, 'utf8').catch(() => null);
  if (old !== text) await writeFile(path, text);
  return path;
}

function describeTypes(tasks: readonly string[], models: readonly string[]): string {
  const modelsBlock = models.length === 0 ? '' : `\n\n  interface Models {\n${models.join('\n')}\n  }`;
  return `// Written by \`cloudcode types\`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
  interface Tasks {
${tasks.join('\n')}
  }${modelsBlock}
}

declare global {
  const CloudCode: import('cloudcode').CloudCode;
  const DB: import('cloudcode').DB;
  const Day: typeof import('cloudcode').Day;
  type Day = import('cloudcode').Day;
  const Attachment: typeof import('cloudcode').Attachment;
  type Attachment = import('cloudcode').Attachment;
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
