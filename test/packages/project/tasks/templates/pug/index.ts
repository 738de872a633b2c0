import { renderFile } from 'pug';
import { fileURLToPath } from 'node:url';

export async function run() {
  return renderFile(fileURLToPath(new URL('./page.pug', import.meta.url)), { name: 'Ada' });
}
