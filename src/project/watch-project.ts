import { basename, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';

export interface ProjectWatch {
  /** Resolves when every file is being watched. */
  readonly ready: Promise<void>;
  /** Aborts an `onChange` that is under way. Resolves when nothing is watched any more and it has come to its end. */
  close(): Promise<void>;
}

const quietMs = 80;
const ignoredFolders = ['node_modules', '.cloudcode', '.git'];
const watchedFiles = /^(cloudcode\.config\.[cm]?[jt]s|schema\.xml|data-model\.m?[jt]s|package\.json|tsconfig\.json)$/;

/**
 * Calls `onChange` with the changed files, relative to the folder, once they have been quiet for 80 ms. Calls never overlap: what
 * changes meanwhile is told in the next one, and the signal of the one under way aborts: what it works at is out of date. Watched are `cloudcode/`, the configuration, the data model, package.json and tsconfig.json.
 * `onChange` must not reject.
 */
export function watchProject(folder: string, onChange: (files: readonly string[], outdated: AbortSignal) => Promise<void> | void): ProjectWatch {
  const watcher = watch(folder, { ignored: (path) => !isWatched(folder, path), ignoreInitial: true });
  const changed = new Set<string>();
  let underWay: Promise<void> | null = null;
  let outdated = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    while (changed.size > 0) {
      const files = [...changed].sort();
      changed.clear();
      outdated = new AbortController();
      await onChange(files, outdated.signal);
    }
  };
  const settle = (): void => {
    outdated.abort();
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
      outdated.abort();
      await watcher.close();
      clearTimeout(timer);
      changed.clear();
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
