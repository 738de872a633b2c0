import { parseHTML } from 'linkedom';

export async function run() {
  const { document } = parseHTML('<ul><li>a</li></ul>');
  return document.querySelector('li').outerHTML;
}
