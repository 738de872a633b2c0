import juice from 'juice';
import { fileURLToPath } from 'node:url';

export async function run() {
  const page = fileURLToPath(new URL('./page.html', import.meta.url));
  return new Promise((resolve, reject) => {
    juice.juiceFile(page, {}, (error, html) => { if (error) reject(error); else resolve(html); });
  });
}
