import { existsSync } from 'node:fs';
import { join } from 'node:path';

const installedIn = join(import.meta.dirname, 'node_modules');

export const howToInstall =
  'The peers are not installed, so CloudCode is measured without them. To install them: npm ci --prefix bench/peers';

export function peersAreInstalled(): boolean {
  return existsSync(installedIn);
}

/**
 * A package of bench/peers/package.json. The caller says which part of it is used: the product's own check of types does not ask for the peers to be installed.
 */
export async function importPeer<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module;
}
