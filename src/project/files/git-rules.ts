import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { cannotBeRead } from '../packages/cannot-be-read.ts';
import { tellRead } from '../read-files.ts';
import { relativePath } from '../relative-path.ts';
import { codeOf } from '../../engine/core/thrown.ts';

/** Says whether git ignores what lies in a folder that it does not ignore. Absolute paths, with links resolved. */
export type GitRules = (path: string, isFolder: boolean) => boolean;

/**
 * The rules of a folder: of each `.gitignore` from its repository's root down to the file, and of `.git/info/exclude`. Without a repository they begin in
 * the folder. Where they ignore a folder that one of `inputs` lies in, those that lie in it are the ones that count.
 * @throws CloudCodeError `build_failed` when one cannot be read: what it ignores may be a secret
 */
export function gitRules(folder: string, inputs: Iterable<string>): GitRules {
  const repository = repositoryOf(folder);
  const top = repository ?? folder;
  const ofAll = rulesFrom(top, repository === null ? null : excludeOf(repository));
  const holders = holdersOf(inputs);
  const known = new Map<string, GitRules>([[top, ofAll]]);
  const rulesIn = (place: string): GitRules => {
    const seen = known.get(place);
    if (seen !== undefined) return seen;
    const parent = dirname(place);
    const outer = parent === place ? ofAll : rulesIn(parent);
    const rules = holders.has(place) && outer(place, true) ? rulesFrom(place, null) : outer;
    known.set(place, rules);
    return rules;
  };
  return (path, isFolder) => !(isFolder && holders.has(path)) && rulesIn(dirname(path))(path, isFolder);
}

function holdersOf(paths: Iterable<string>): ReadonlySet<string> {
  const holders = new Set<string>();
  for (const path of paths)
    for (let holder = dirname(path); !holders.has(holder); holder = dirname(holder)) holders.add(holder);
  return holders;
}

interface Rules {
  readonly holder: string;
  readonly ignores: Ignore;
}

function rulesFrom(top: string, exclude: string | null): GitRules {
  const known = new Map<string, readonly Rules[]>();
  /** The nearest first. */
  const rulesFor = (holder: string): readonly Rules[] => {
    const seen = known.get(holder);
    if (seen !== undefined) return seen;
    const files = [join(holder, '.gitignore'), ...(holder === top && exclude !== null ? [exclude] : [])];
    const own = files
      .map(readRules)
      .filter((ignores) => ignores !== null)
      .map((ignores) => ({ holder, ignores }));
    const rules = holder === top || holder === dirname(holder) ? own : [...own, ...rulesFor(dirname(holder))];
    known.set(holder, rules);
    return rules;
  };
  return function isIgnored(path, isFolder) {
    for (const { holder, ignores } of rulesFor(dirname(path))) {
      const verdict = ignores.test(relativePath(holder, path) + (isFolder ? '/' : ''));
      // The nearest file that says something decides.
      if (verdict.ignored || verdict.unignored) return verdict.ignored;
    }
    return false;
  };
}

/** Null where there is none: as for git, a link is none. */
function readRules(file: string): Ignore | null {
  tellRead(file);
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return null;
    return ignore({ ignorecase: false }).add(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw cannotBeRead(file, error);
  }
}

/** The folder that holds `.git`; null where there is none up to the root. */
function repositoryOf(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  return dirname(folder) === folder ? null : repositoryOf(dirname(folder));
}

/** A worktree and a submodule have a file that says where their `.git` is; worktrees share that of their repository. */
function excludeOf(repository: string): string {
  const git = join(repository, '.git');
  if (statSync(git, { throwIfNoEntry: false })?.isFile() !== true) return join(git, 'info/exclude');
  const own = resolve(repository, /^gitdir: (.*)/.exec(readFileSync(git, 'utf8'))?.[1] ?? '.git');
  const shared = join(own, 'commondir');
  return join(existsSync(shared) ? resolve(own, readFileSync(shared, 'utf8').trim()) : own, 'info/exclude');
}
