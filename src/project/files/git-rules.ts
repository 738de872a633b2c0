import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { relativePath } from '../relative-path.ts';

/** Says whether git ignores a path: absolute, not one of the repository's root itself. */
export type GitRules = (path: string, isFolder: boolean) => boolean;

/**
 * The rules of a folder: of each `.gitignore` from its repository's root down to the file, and of `.git/info/exclude`. Without a repository they begin in
 * the folder. Where they ignore the folder `within` as a whole, those that lie in it are the ones that count.
 */
export function gitRules(folder: string, within: string): GitRules {
  const repository = repositoryOf(folder);
  const rules = rulesFrom(repository ?? folder, repository === null ? null : join(repository, '.git/info/exclude'));
  return rules(within, true) ? rulesFrom(within, null) : rules;
}

function rulesFrom(top: string, exclude: string | null): GitRules {
  const known = new Map<string, Ignore | null>();
  const read = (file: string): Ignore | null => {
    const rules = known.get(file) ?? readRules(file);
    known.set(file, rules);
    return rules;
  };
  return function isIgnored(path, isFolder) {
    for (let holder = dirname(path); ; holder = dirname(holder)) {
      // The nearest file that says something decides.
      for (const file of holder === top && exclude !== null ? [join(holder, '.gitignore'), exclude] : [join(holder, '.gitignore')]) {
        const verdict = read(file)?.test(relativePath(holder, path) + (isFolder ? '/' : ''));
        if (verdict?.ignored === true) return true;
        if (verdict?.unignored === true) return false;
      }
      if (holder === top || holder === dirname(holder)) return false;
    }
  };
}

function readRules(file: string): Ignore | null {
  try {
    return ignore({ ignorecase: false }).add(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** The folder that holds `.git`; null where there is none up to the root. */
function repositoryOf(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  return dirname(folder) === folder ? null : repositoryOf(dirname(folder));
}
