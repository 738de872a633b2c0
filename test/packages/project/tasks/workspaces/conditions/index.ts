import { face } from '@parts/faces';
import { part } from '@parts/faces/parts/nose';
import { createRequire } from 'node:module';

export async function run() {
  return { face, part, required: createRequire(import.meta.url)('@parts/faces').face };
}
