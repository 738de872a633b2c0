import * as cheerio from 'cheerio';

export async function run() {
  const $ = cheerio.load('<ul><li>1<li>2</ul>');
  return $('li').map((_i, each) => $(each).text()).get();
}
