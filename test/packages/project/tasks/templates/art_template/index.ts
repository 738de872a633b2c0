import template from 'art-template';
import { fileURLToPath } from 'node:url';

export async function run() {
  return template(fileURLToPath(new URL('./page.art', import.meta.url)), { name: 'Ada' });
}
