import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { env, platform } from 'node:process';
import { packageRoot } from '../../../package-root.ts';
import { compileNative, nativeFile } from '../compile-native.ts';
import { loadNativeSpawner, type NativeSpawner } from './native-spawner.ts';
import { tryNativeSpawner } from './try-native-spawner.ts';

export const spawnSources = [join(packageRoot, 'src/engine/runner/spawn/spawn.c')];

/** To compile the native part costs as much processor time as it saves with so many workers: who starts few does without. */
export const worthWorkers = 60;

/** The native part that starts workers, where this machine can have it. */
export interface NativeSpawning {
  /** For the next worker; null: Node starts it, as it does until the native part is there and was tried, and for ever where there is no C compiler. */
  forNext(): NativeSpawner | null;
  close(): Promise<void>;
}

export interface NativeSpawningOptions {
  /** Where it is kept. */
  readonly folder: string;
  readonly onTrouble: (error: unknown) => void;
}

export function openNativeSpawning({ folder, onTrouble }: NativeSpawningOptions): NativeSpawning {
  const closing = new AbortController();
  let spawner: NativeSpawner | null = null;
  let workers = 0;
  let preparing: Promise<void> | null = null;
  const prepare = async (): Promise<void> => {
    let file: string;
    try {
      file = await compileNative(folder, spawnSources, closing.signal);
    } catch {
      return; // no compiler, or no room for what it makes
    }
    if (closing.signal.aborted) return;
    try {
      const loaded = loadNativeSpawner(file);
      await tryNativeSpawner(loaded);
      spawner = loaded;
    } catch (error) {
      await rm(file, { force: true }).catch(() => undefined); // the next runner makes it anew
      onTrouble(error);
    }
  };
  const isDue = (): boolean =>
    workers === worthWorkers || (workers === 1 && existsSync(nativeFile(folder, spawnSources)));
  return {
    forNext() {
      workers += 1;
      if (preparing === null && isWanted() && isDue()) preparing = prepare();
      return spawner;
    },
    async close() {
      closing.abort();
      await preparing;
    },
  };
}

/** `CLOUDCODE_NATIVE_SPAWN=off` is for machines on which it misbehaves. */
function isWanted(): boolean {
  return platform === 'linux' && env['CLOUDCODE_NATIVE_SPAWN'] !== 'off';
}
