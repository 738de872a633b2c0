import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { platform } from 'node:process';
import { packageRoot } from '../../src/package-root.ts';
import { compileNative } from '../../src/engine/runner/compile-native.ts';
import { spawnSources } from '../../src/engine/runner/spawn/open-native-spawning.ts';

const shared = join(packageRoot, 'node_modules/.cache/cloudcode-native');

/** Has a project's runner start its workers by the native part from its first on, as one has that has worked here before. Without a compiler Node starts them. */
export async function useNativeSpawn(project: string): Promise<void> {
  if (platform !== 'linux') return;
  const file = await compileNative(shared, spawnSources).catch(() => null);
  if (file === null) return;
  const folder = join(project, '.cloudcode', 'spawn');
  await mkdir(folder, { recursive: true });
  await copyFile(file, join(folder, basename(file)));
}
