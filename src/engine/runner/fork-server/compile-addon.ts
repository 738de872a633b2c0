import { join } from 'node:path';
import { packageRoot } from '../../../package-root.ts';
import { compileNative } from '../compile-native.ts';

const sources = ['fork.c', 'renew-state.c'].map((name) => join(packageRoot, 'src/engine/fork-server', name));

/**
 * The native part of the fork server.
 * @param folder where it is kept
 */
export function compileAddon(folder: string): Promise<string> {
  return compileNative(folder, sources);
}
