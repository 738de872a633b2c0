import { join, posix } from 'node:path';
import { CloudCodeError } from '../../core/errors.ts';
import type { FolderToKeep } from '../../core/kept-folder.ts';
import { configFilesIn } from '../config.ts';
import { listFiles, type ListedFile } from '../packages/list-files.ts';
import { contentReader } from '../packages/remember-contents.ts';
import { throwErrors } from '../problems.ts';
import { gitRules } from './git-rules.ts';
import { manifestsOf } from './manifests-of.ts';
import { exceptionOf, matchPattern } from './match-pattern.ts';
import { neverTravels } from './never-travels.ts';

export interface FilesAsked {
  /** The project's: absolute, with symbolic links resolved. */
  readonly folder: string;
  readonly tasks: readonly {
    /** Relative to the project's folder. */
    readonly file: string;
    /** Patterns of its own config, relative to its folder. */
    readonly files?: readonly string[] | undefined;
  }[];
  /** Patterns of the project's configuration, relative to its folder. */
  readonly files?: readonly string[] | undefined;
  /** Absolute paths of what is built: it does not travel as it is, unless a pattern names it. */
  readonly built: ReadonlySet<string>;
  /** The folder in which the hash is remembered; null: it is not. */
  readonly cache: string | null;
}

/** Patterns that stand in one file. */
interface Patterns {
  readonly code: 'invalid_config' | 'invalid_task_config';
  readonly file: string;
  readonly from: string;
  readonly patterns: readonly string[];
}

/**
 * The files that a project deploys besides its code: what lies in the folders of its tasks, is not built, and git does not ignore; and what `files` names. Never
 * `.env*`, `node_modules`, `.git` and `.cloudcode`. Where code is among them, each package.json that says what kind of code it is.
 * @returns null when there is none
 * @throws CloudCodeError `invalid_config` or `invalid_task_config` for a pattern that matches nothing or leads out of the project, `invalid_task` for a link
 *   in a task's folder that does; `build_failed` when a file cannot be read
 */
export async function findFiles({ folder, tasks, files = [], built, cache }: FilesAsked): Promise<FolderToKeep | null> {
  const errors: CloudCodeError[] = [];
  const found = new Map<string, ListedFile>();
  const take = (listed: readonly ListedFile[]): void => listed.forEach((file) => found.set(file.path, file));
  for (const { file } of tasks) take(filesOfTask(folder, posix.dirname(file), { built, errors }));
  const ofProject = { code: 'invalid_config', file: (await configFilesIn(folder))[0] ?? 'cloudcode.config.ts', from: '', patterns: files } as const;
  const ofTasks = tasks.map((task) => ({ code: 'invalid_task_config', file: task.file, from: posix.dirname(task.file), patterns: task.files ?? [] }) as const);
  for (const patterns of [ofProject, ...ofTasks]) take(filesOfPatterns(folder, patterns, errors));
  throwErrors(errors);
  take(manifestsOf(folder, [...found.keys()]));
  if (found.size === 0) return null;
  const listed = [...found.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
  const contents = contentReader(cache === null ? null : join(cache, 'files.json'));
  const { hash } = await contents.read({ name: 'the files of the project', folder, files: listed });
  contents.save();
  return { name: 'files', source: folder, hash, files: listed.map(({ path, bytes, isExecutable }) => ({ path, bytes, isExecutable })) };
}

interface OfTask {
  readonly built: ReadonlySet<string>;
  readonly errors: CloudCodeError[];
}

function filesOfTask(folder: string, taskFolder: string, { built, errors }: OfTask): readonly ListedFile[] {
  const isIgnored = gitRules(folder, join(folder, taskFolder));
  return listFiles(folder, (path, name, isFolder) => neverTravels(name) || built.has(join(folder, path)) || isIgnored(join(folder, path), isFolder), {
    from: taskFolder,
    onLinkOut(path, target) {
      // Code may come from anywhere: it is built.
      if ([...built].some((one) => one === target || one.startsWith(`${target}/`))) return;
      errors.push(new CloudCodeError('invalid_task', `${path} is a link out of the project, to ${target}: it cannot be deployed.`, { hint: 'Put a copy in its place, or have git ignore it.' }));
    },
  });
}

function filesOfPatterns(folder: string, { code, file, from, patterns }: Patterns, errors: CloudCodeError[]): readonly ListedFile[] {
  const refuse = (at: number, wrong: string): void => {
    const hint = wrong.startsWith('matches') ? `Patterns are relative to ${from === '' ? "the project's folder" : "the task's folder"}. \`.env*\`, node_modules, .git and .cloudcode never match; packages travel by themselves.` : 'What travels with a deployment must lie in the project.';
    errors.push(new CloudCodeError(code, `${file}: \`files[${at}]\` is ${JSON.stringify(patterns[at])}; it ${wrong}.`, { hint }));
  };
  const exceptions = patterns.map((pattern, at) => {
    if (!pattern.startsWith('!')) return null;
    const exception = exceptionOf(from, pattern.slice(1));
    if (exception === null) refuse(at, 'leads out of the project');
    return exception;
  });
  return patterns.flatMap((pattern, at) => {
    if (pattern.startsWith('!')) return [];
    const matched = matchPattern(folder, from, pattern);
    if (matched.wrong !== null) refuse(at, matched.wrong);
    return (matched.files ?? []).filter(({ path }) => !exceptions.some((isExcepted) => isExcepted?.(path) === true));
  });
}
