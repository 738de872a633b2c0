import { renderFile } from 'ejs';
import { fileURLToPath } from 'node:url';

export async function run() {
  return renderFile(fileURLToPath(new URL('./page.ejs', import.meta.url)), { name: 'Ada' });
}
