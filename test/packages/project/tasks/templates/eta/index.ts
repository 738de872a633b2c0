import { Eta } from 'eta';
import { fileURLToPath } from 'node:url';

export async function run() {
  return new Eta({ views: fileURLToPath(new URL('./views', import.meta.url)) }).render('./page', { name: 'Ada' });
}
