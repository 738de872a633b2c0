import Twig from 'twig';
import { fileURLToPath } from 'node:url';

export async function run() {
  const page = fileURLToPath(new URL('./views/page.twig', import.meta.url));
  return new Promise((resolve, reject) => {
    Twig.renderFile(page, { name: 'ada' }, (error, html) => { if (error) reject(error); else resolve(html); });
  });
}
