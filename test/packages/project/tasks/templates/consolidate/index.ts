import consolidate from '@ladjs/consolidate';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export async function run() {
  const views = fileURLToPath(new URL('./views', import.meta.url));
  const pages: Record<string, string> = {};
  for (const [engine, file] of [['ejs', 'a.ejs'], ['handlebars', 'b.hbs'], ['pug', 'c.pug'], ['nunjucks', 'd.njk']]) pages[engine] = await consolidate[engine](join(views, file), { name: 'Ada' });
  return pages;
}
