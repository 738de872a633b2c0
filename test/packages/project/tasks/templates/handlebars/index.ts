import Handlebars from 'handlebars';
import { readFileSync } from 'node:fs';

export async function run() {
  Handlebars.registerHelper('loud', (text) => text.toUpperCase());
  return Handlebars.compile(readFileSync(new URL('./hello.hbs', import.meta.url), 'utf8'))({ name: 'Ada', items: [1, 2] });
}
