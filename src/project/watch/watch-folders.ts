import { type FSWatcher, watch } from 'node:fs';

/** Wakes up when something in one of several folders changes, as far as the system can tell. */
export interface FolderWatch {
  /** From now on these. */
  set(folders: ReadonlySet<string>): void;
  close(): void;
}

/**
 * Says `onChange` for every change in a folder itself, not in those below it; several in a row are likely. What cannot be watched goes to `onFailure`,
 * once for each code of an error (`ENOSPC`: the system has no watches left).
 */
export function watchFolders(onChange: () => void, onFailure: (error: NodeJS.ErrnoException) => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>();
  const told = new Set<string | undefined>();
  const fail = (folder: string, error: NodeJS.ErrnoException): void => {
    drop(folder);
    // It was removed, or may not be read: that is for the next look to find.
    if (
      error.code === 'ENOENT' ||
      error.code === 'ENOTDIR' ||
      error.code === 'EACCES' ||
      error.code === 'EPERM' ||
      told.has(error.code)
    )
      return;
    told.add(error.code);
    onFailure(error);
  };
  const add = (folder: string): void => {
    try {
      const watcher = watch(folder);
      watchers.set(folder, watcher);
      watcher.on('error', (error) => fail(folder, error));
      watcher.on('change', (_type, name) => {
        // A folder that was itself removed or moved is named so, and made again it is another: it is watched anew.
        if (folder.endsWith(`/${String(name)}`)) drop(folder);
        onChange();
      });
    } catch (error) {
      fail(folder, error as NodeJS.ErrnoException);
    }
  };
  function drop(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  }
  return {
    set(folders) {
      for (const folder of watchers.keys()) if (!folders.has(folder)) drop(folder);
      for (const folder of folders) if (!watchers.has(folder)) add(folder);
    },
    close: () => {
      for (const folder of watchers.keys()) drop(folder);
    },
  };
}
