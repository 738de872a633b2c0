import Mustache from 'mustache';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export async function run() {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  return Mustache.render(readFileSync(join(folder, 'page.mustache'), 'utf8'), { items: [{ n: 1 }, { n: 2 }] });
}
