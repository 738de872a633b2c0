import { closeSync, openSync, realpathSync } from 'node:fs';
import { join, posix } from 'node:path';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { FolderToKeep } from '../../engine/core/kept-folder.ts';
import { configFilesIn } from '../config.ts';
import { cannotBeRead } from '../packages/cannot-be-read.ts';
import { isWithin, type ListedFile, listFile, refuseTooMany } from '../packages/list-files.ts';
import { contentReader } from '../packages/remember-contents.ts';
import { joinErrors } from '../problems.ts';
import { refuseTooLarge } from '../refuse-too-large.ts';
import { relativePath } from '../relative-path.ts';
import { type BuildInputs, filesInFolder } from './files-in-folder.ts';
import { type GitRules, gitRules } from './git-rules.ts';
import { exceptionOf, matchPattern } from './match-pattern.ts';

export interface FilesAsked extends BuildInputs {
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
  /** What all files together may have, in MB (of 1,000,000 bytes). */
  readonly maxMb?: number | undefined;
  /** The folder in which the hash is remembered; null: it is not. */
  readonly cache: string | null;
}

export interface FoundFiles {
  /** Null when there is none, and where there are errors. */
  readonly files: FolderToKeep | null;
  /** Folders outside of the project that code is built from, by links in the folders of tasks: absolute. */
  readonly outside: readonly string[];
  /** `invalid_task_config` for a pattern that matches nothing or leads out of the project, `invalid_task` for a link in a task's folder that does, and why that folder cannot be read. */
  readonly errors: ErrorsOfTasks;
}

/** What is wrong with tasks, by their files. */
export type ErrorsOfTasks = ReadonlyMap<string, readonly CloudCodeError[]>;

/** MB of files in a deployment, unless the configuration says otherwise. */
const defaultMaxMb = 100;

/** Patterns that stand in one file. */
interface Patterns {
  readonly code: 'invalid_config' | 'invalid_task_config';
  readonly file: string;
  readonly from: string;
  readonly patterns: readonly string[];
}

/**
 * The files that a project deploys besides its code: what lies in the folders of its tasks, is not built, and git does not ignore; and what `files` names, also of what is built. Never
 * `.env*`, `node_modules`, `.git` and `.cloudcode`. Where code is among them, each package.json that says what kind of code it is.
 * @throws CloudCodeError `invalid_config` for a pattern of the configuration that matches nothing or leads out of the project; `files_too_large`, naming the largest; `build_failed` when a file cannot be read
 */
export async function findFiles({
  folder,
  tasks,
  files = [],
  built,
  inputs,
  maxMb = defaultMaxMb,
  cache,
}: FilesAsked): Promise<FoundFiles> {
  const outside = new Set<string>();
  const found = new Map<string, ListedFile>();
  const take = (listed: readonly ListedFile[]): readonly ListedFile[] => {
    for (const file of listed) found.set(file.path, file);
    return listed;
  };
  const ofProject: CloudCodeError[] = [];
  take(
    filesOfPatterns(
      folder,
      {
        code: 'invalid_config',
        file: (await configFilesIn(folder))[0] ?? 'cloudcode.config.ts',
        from: '',
        patterns: files,
      },
      ofProject,
    ),
  );
  const isIgnored = gitRules(folder, inputs);
  const ofTasks = new Map<string, readonly ListedFile[]>();
  const errors = new Map(
    tasks.flatMap(({ file, files: patterns = [] }) => {
      const own: CloudCodeError[] = [];
      const from = posix.dirname(file);
      try {
        ofTasks.set(file, [
          ...take(filesOfTask(folder, from, { built, inputs, isIgnored, errors: own, outside })),
          ...take(filesOfPatterns(folder, { code: 'invalid_task_config', file, from, patterns }, own)),
        ]);
      } catch (error) {
        if (!(error instanceof CloudCodeError)) throw error;
        own.push(error);
      }
      return own.length === 0 ? [] : [[file, own] as const];
    }),
  );
  if (ofProject.length > 0) throw joinErrors([...ofProject, ...[...errors.values()].flat()]);
  if (errors.size > 0) return { files: null, outside: [], errors };
  take(manifestsOf(folder, [...found.keys()]));
  if (found.size === 0) return { files: null, outside: [...outside], errors };
  const listed = [...found.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
  refuseTooMany(listed.length, folder);
  refuseTooLarge(
    listed.map(({ path, bytes }) => ({ name: path, bytes })),
    {
      code: 'files_too_large',
      what: 'The files that are deployed besides the code',
      maxMb,
      hint: 'Have git ignore what the tasks do not need, take it out of `files`, or raise `maxFilesMb` in cloudcode.config.ts.',
    },
  );
  const contents = await contentReader(cache === null ? null : join(cache, 'files.json'));
  let hash: string;
  try {
    ({ hash } = await contents.read({ name: 'the files of the project', folder, files: listed }));
  } catch (error) {
    const unreadable = unreadableOf(folder, ofTasks);
    if (unreadable.size === 0) throw error;
    return { files: null, outside: [], errors: unreadable };
  }
  await contents.save();
  return {
    files: {
      name: 'files',
      source: folder,
      hash,
      files: listed.map(({ path, bytes, isExecutable }) => ({ path, bytes, isExecutable })),
    },
    outside: [...outside],
    errors,
  };
}

/** Where a file cannot be read, the tasks that it belongs to are to blame, and no others. */
function unreadableOf(folder: string, ofTasks: ReadonlyMap<string, readonly ListedFile[]>): ErrorsOfTasks {
  const errorOf = ({ path }: ListedFile): readonly CloudCodeError[] => {
    try {
      closeSync(openSync(join(folder, path), 'r'));
      return [];
    } catch (error) {
      return [cannotBeRead(join(folder, path), error)];
    }
  };
  const errors = [...ofTasks].map(([file, files]) => [file, files.flatMap(errorOf)] as const);
  return new Map(errors.filter(([, own]) => own.length > 0));
}

interface OfTask extends BuildInputs {
  readonly isIgnored: GitRules;
  readonly errors: CloudCodeError[];
  readonly outside: Set<string>;
}

function filesOfTask(
  folder: string,
  taskFolder: string,
  { built, inputs, isIgnored, errors, outside }: OfTask,
): readonly ListedFile[] {
  const real = realpathSync(join(folder, taskFolder));
  const from = isWithin(folder, real) ? relativePath(folder, real) : taskFolder;
  if (!isWithin(folder, real)) outside.add(real);
  const onLinkOut = (path: string, target: string): void => {
    // Code may come from anywhere: it is built.
    if ([...inputs].some((one) => isWithin(target, one))) outside.add(target);
    else
      errors.push(
        new CloudCodeError(
          'invalid_task',
          `${path} is a link out of the project, to ${target}: it cannot be deployed.`,
          { hint: 'Put a copy in its place, or have git ignore it.' },
        ),
      );
  };
  // Where it is itself a link, its code looks beside where it really lies, and others look in the task's folder.
  return [...new Set([taskFolder, from])].flatMap((one) =>
    filesInFolder(folder, { from: one, built, inputs, isIgnored, onLinkOut }),
  );
}

function filesOfPatterns(
  folder: string,
  { code, file, from, patterns }: Patterns,
  errors: CloudCodeError[],
): readonly ListedFile[] {
  const refuse = (at: number, wrong: string): void => {
    const hint = wrong.startsWith('matches')
      ? `Patterns are relative to ${from === '' ? "the project's folder" : "the task's folder"}. \`.env*\`, node_modules, .git and .cloudcode never match; packages travel by themselves.`
      : 'What travels with a deployment must lie in the project.';
    errors.push(
      new CloudCodeError(code, `${file}: \`files[${at}]\` is ${JSON.stringify(patterns[at])}; it ${wrong}.`, { hint }),
    );
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

/** Each package.json by which Node knows what kind of code these files of a project are. */
function manifestsOf(folder: string, paths: readonly string[]): readonly ListedFile[] {
  const holders = new Set(paths.filter((path) => /\.[jt]sx?$/.test(path)).flatMap(foldersAbove));
  return [...holders]
    .map((holder) => listFile(folder, posix.join(holder, 'package.json')))
    .filter((file) => file !== null);
}

function foldersAbove(path: string): string[] {
  const holder = posix.dirname(path);
  return holder === '.' ? [holder] : [holder, ...foldersAbove(holder)];
}
