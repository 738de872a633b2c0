import { Builder, By } from 'selenium-webdriver';

export async function run() {
  const refused = await new Builder().forBrowser('chrome').usingServer('http://127.0.0.1:1').build().then(() => 'opened', (error) => error.name);
  return { refused, by: By.css('p').toString() };
}
