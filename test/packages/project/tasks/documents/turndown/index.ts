import TurndownService from 'turndown';

export async function run() {
  return new TurndownService({ headingStyle: 'atx' }).turndown('<h1>Hello</h1><ul><li>a<li><b>b</b></ul>');
}
