import { type Dirent, readdirSync, statSync } from 'node:fs';
import { readFile, readdir, realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';

export interface FoundTask {
  readonly name: string;
  /** Relative to the project's folder, with `/`. */
  readonly file: string;
}

export interface FoundProject {
  /** The name in package.json, or else the folder's. */
  readonly name: string;
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** By name. */
  readonly tasks: readonly FoundTask[];
  /** What is wrong with the names of some of them, by their files: no task can have it, or another has it too. */
  readonly misnamed: ReadonlyMap<string, readonly CloudCodeError[]>;
}

const indexFiles = [
  'index.ts',
  'index.tsx',
  'index.mts',
  'index.cts',
  'index.js',
  'index.jsx',
  'index.mjs',
  'index.cjs',
];

/** A task's name is its folder's: 1 to 100 ASCII letters, digits, `_`, `-` and `.`; it goes into URLs, SQL and file names as it is. */
const validTaskName = /^[A-Za-z0-9_.-]{1,100}$/;

/**
 * Finds the tasks of a project: each folder in `cloudcode/` with an index file. Folders without one hold shared code; those whose
 * name begins with `_` or `.`, and node_modules, are not looked at.
 * @throws CloudCodeError `project_not_found`
 */
export async function findProject(folder: string): Promise<FoundProject> {
  const { root, entries } = await readProject(folder);
  const names = entries
    .map((entry) => entry.name)
    .filter((name) => !/^[_.]|^node_modules$/.test(name))
    .sort(compareText);
  const tasks = names.flatMap((name) => findIndexFiles(root, name));
  if (tasks.length === 0) throw noTasks(root, names);
  return {
    name: await readName(root),
    folder: root,
    tasks,
    misnamed: new Map([...refuseNames(tasks), ...refuseClashes(tasks)]),
  };
}

/** The folder of a project alone, whatever its tasks are. @throws CloudCodeError `project_not_found` */
export async function findFolder(folder: string): Promise<Pick<FoundProject, 'name' | 'folder'>> {
  const { root } = await readProject(folder);
  return { name: await readName(root), folder: root };
}

async function readProject(folder: string): Promise<{ readonly root: string; readonly entries: readonly Dirent[] }> {
  const root = await realpath(resolve(folder)).catch(() => null);
  if (root === null)
    throw new CloudCodeError('project_not_found', `There is no folder ${resolve(folder)}.`, {
      hint: 'Check the path given by --project.',
    });
  const entries = await readdir(join(root, 'cloudcode'), { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    throw new CloudCodeError(
      'project_not_found',
      `${root} is no CloudCode project: it has no folder named cloudcode.`,
      {
        hint: 'Make a new project with `cloudcode init`, or name the folder of one with --project.',
      },
    );
  }
  return { root, entries };
}

/** At once: of many small questions to the disk, to ask for each answer by a thread costs more than the answer. */
function findIndexFiles(root: string, name: string): FoundTask[] {
  const folder = join(root, 'cloudcode', name);
  const inside = new Set(namesIn(folder));
  return indexFiles
    .filter((file) => inside.has(file) && statSync(join(folder, file), { throwIfNoEntry: false })?.isFile() === true)
    .map((file) => ({ name, file: `cloudcode/${name}/${file}` }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a file, or a folder that cannot be read
  }
}

function noTasks(root: string, names: readonly string[]): CloudCodeError {
  const loose = names.find((name) => /\.[cm]?[jt]sx?$/.test(name) && !name.endsWith('.d.ts'));
  const hint =
    loose === undefined
      ? 'Write one: cloudcode/hello/index.ts with `export async function run() {}`.'
      : `A task is a folder: move cloudcode/${loose} to cloudcode/${loose.replace(/\.\w+$/, '')}/index${/\.\w+$/.exec(loose)?.[0] ?? ''}.`;
  return new CloudCodeError('project_not_found', `${root} has no task: no folder in cloudcode/ has an index file.`, {
    hint,
  });
}

/** With the letters of a valid name alone. */
export function isTaskName(name: string): boolean {
  return validTaskName.test(name);
}

type Misnamed = readonly [file: string, errors: readonly CloudCodeError[]];

function refuseNames(tasks: readonly FoundTask[]): readonly Misnamed[] {
  return tasks
    .filter(({ name }) => !isTaskName(name))
    .map(({ name, file }) => [
      file,
      [
        new CloudCodeError('invalid_task', `cloudcode/${name}: ${JSON.stringify(name)} cannot be the name of a task.`, {
          hint: 'Rename the folder: 1 to 100 letters a to z, digits, `_`, `-` and `.`; shared code may have any name when its folder has no index file.',
        }),
      ],
    ]);
}

function refuseClashes(tasks: readonly FoundTask[]): readonly Misnamed[] {
  const byName = Map.groupBy(
    tasks.filter(({ name }) => isTaskName(name)),
    ({ name }) => name.toLowerCase(),
  );
  const clashing = [...byName.values()].filter((group) => group.length > 1);
  return clashing.flatMap((group) => {
    const files = group.map(({ file }) => file).join(' and ');
    const sameFolder = group.every(({ name }) => name === group[0]?.name);
    const error = new CloudCodeError(
      'task_name_clash',
      `${files} are the same task${sameFolder ? '' : ': the names differ only in case'}.`,
      {
        hint: sameFolder ? 'Keep one of them.' : 'Rename one of them.',
      },
    );
    return group.map(({ file }): Misnamed => [file, [error]]);
  });
}

async function readName(root: string): Promise<string> {
  try {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly name?: unknown;
    } | null;
    if (typeof manifest?.name === 'string' && manifest.name !== '') return manifest.name;
  } catch {
    // A project needs no package.json. A broken one is reported by what needs it.
  }
  return basename(root);
}

/** By code units, so that the order is the same on every machine. */
function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
