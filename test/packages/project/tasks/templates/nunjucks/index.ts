import nunjucks from 'nunjucks';
import { fileURLToPath } from 'node:url';

export async function run() {
  const env = new nunjucks.Environment(new nunjucks.FileSystemLoader(fileURLToPath(new URL('./views', import.meta.url))));
  return env.render('page.njk', { names: ['Ada', 'Bob'] });
}
