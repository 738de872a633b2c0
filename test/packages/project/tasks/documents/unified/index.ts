import { unified } from 'unified';
import parse from 'remark-parse';
import html from 'remark-html';

export async function run() {
  return String(await unified().use(parse).use(html).process('*Hello* [x](y)'));
}
