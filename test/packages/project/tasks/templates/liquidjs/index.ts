import { Liquid } from 'liquidjs';
import { fileURLToPath } from 'node:url';

export async function run() {
  return new Liquid({ root: fileURLToPath(new URL('./views', import.meta.url)), extname: '.liquid' }).renderFile('page', { name: 'ada' });
}
