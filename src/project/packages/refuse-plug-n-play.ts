import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { packageFinder, readManifest } from './package-place.ts';

const loaders = ['.pnp.cjs', '.pnp.js'];

/** Yarn's Plug'n'Play has packages in archives, which Node reads by a loader of Yarn's alone. @throws CloudCodeError `plug_n_play` for a project whose packages are nowhere else */
export function refusePlugNPlay(folder: string): void {
  const loader = loaderFor(folder);
  if (loader === null) return;
  const find = packageFinder();
  const missing = Object.keys(readManifest(folder).dependencies ?? {}).filter(
    (name) => name !== 'cloudcode' && find(folder, name) === null,
  );
  if (missing.length === 0) return;
  throw new CloudCodeError(
    'plug_n_play',
    `${loader}: the packages of this project (${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}) are installed as Yarn Plug'n'Play, without a node_modules folder: they cannot be deployed.`,
    {
      hint: `Write \`nodeLinker: node-modules\` into ${join(dirname(loader), '.yarnrc.yml')}, and run \`yarn install\`.`,
    },
  );
}

function loaderFor(folder: string): string | null {
  const found = loaders.map((name) => join(folder, name)).find((path) => existsSync(path));
  return found ?? (dirname(folder) === folder ? null : loaderFor(dirname(folder)));
}
