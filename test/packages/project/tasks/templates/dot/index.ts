import dot from 'dot';
import { fileURLToPath } from 'node:url';

export async function run() {
  dot.log = false;
  const pages = dot.process({ path: fileURLToPath(new URL('./views', import.meta.url)) });
  return pages.page({ name: 'Ada' });
}
