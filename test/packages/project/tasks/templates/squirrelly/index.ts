import { renderFile } from 'squirrelly';
import { fileURLToPath } from 'node:url';

export async function run() {
  return renderFile(fileURLToPath(new URL('./views/page.squirrelly', import.meta.url)), { items: ['a', 'b'] });
}
