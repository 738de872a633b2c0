import { type ListedFile, listFiles } from '../packages/list-files.ts';
import { type GitRules, gitRules } from './git-rules.ts';
import { neverTravels } from './never-travels.ts';

/** What a build is made of. Absolute paths, with links resolved. */
export interface BuildInputs {
  /** Code: it does not travel as it is. */
  readonly built: ReadonlySet<string>;
  /** All that it reads: code, data, native add-ons. */
  readonly inputs: ReadonlySet<string>;
}

interface Asked extends BuildInputs {
  /** Relative to the folder: `''` for all of it. */
  readonly from: string;
  /** Of the folder and these inputs, where several parts of it are listed: what git ignores is read once. */
  readonly isIgnored?: GitRules;
  readonly onLinkOut?: (path: string, target: string) => void;
}

/** The files of a folder that are deployed with the code that is built from it: all but that, what never travels, and what git ignores. Paths are relative to the folder, which has its links resolved. */
export function filesInFolder(
  folder: string,
  { from, built, inputs, isIgnored = gitRules(folder, inputs), onLinkOut }: Asked,
): readonly ListedFile[] {
  const isLeftOut = (place: string, name: string, isFolder: boolean): boolean =>
    neverTravels(name) || built.has(place) || isIgnored(place, isFolder);
  return listFiles(folder, isLeftOut, {
    from,
    isTargetLeftOut: isLeftOut,
    ...(onLinkOut === undefined ? {} : { onLinkOut }),
  });
}
