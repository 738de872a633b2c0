import { basename, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';

export interface ProjectWatch {
  /** Resolves when every file is being watched. */
  readonly ready: Promise<void>;
  /** Resolves when nothing is watched any more and no `onChange` is under way. */
  close(): Promise<void>;
}

const quietMs = 80;
const ignoredFolders = ['node_modules', '.cloudcode', '.git'];
const watchedFiles = /^(cloudcode\.config\.[cm]?[jt]s|schema\.xml|data-model\.m?[jt]s|package\.json|tsconfig\.json)$/;

/**
 * Calls `onChange` with the changed files, relative to the folder, once they have been quiet for 80 ms. Calls never overlap: what
 * changes meanwhile is told in the next one. Watched are `cloudcode/`, the configuration, the data model, package.json and tsconfig.json.
 * `onChange` must not reject.
 */
export function watchProject(folder: string, onChange: (files: readonly string[]) => Promise<void> | void): ProjectWatch {
  const watcher = watch(folder, { ignored: (path) => !isWatched(folder, path), ignoreInitial: true });
  const changed = new Set<string>();
  let underWay: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    while (changed.size > 0) {
      const files = [...changed].sort();
      changed.clear();
      await onChange(files);
    }
  };
  const settle = (): void => {
    underWay ??= tell().finally(() => {
      underWay = null;
    });
  };
  watcher.on('all', (_event, path) => {
    changed.add(relative(folder, path).replaceAll(sep, '/'));
    clearTimeout(timer);
    timer = setTimeout(settle, quietMs);
  });
  return {
    ready: whenReady(watcher),
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
      clearTimeout(timer);
      await underWay;
    },
  };
}

async function whenReady(watcher: FSWatcher): Promise<void> {
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
}

function isWatched(folder: string, path: string): boolean {
  const [first, ...deeper] = relative(folder, path).split(sep);
  if (first === undefined || first === '') return true;
  if (ignoredFolders.includes(basename(path))) return false;
  return first === 'cloudcode' || (deeper.length === 0 && watchedFiles.test(first));
}
