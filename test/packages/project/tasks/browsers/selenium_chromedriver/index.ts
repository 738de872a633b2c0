import { Browser, Builder, By } from 'selenium-webdriver';
import { Options, ServiceBuilder } from 'selenium-webdriver/chrome.js';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium }) {
  const options = new Options().setChromeBinaryPath(chromium).addArguments('--headless=new', ...chromiumFlags);
  const driver = await new Builder().forBrowser(Browser.CHROME).setChromeOptions(options).setChromeService(new ServiceBuilder('/usr/bin/chromedriver')).build();
  await driver.get('data:text/html,<p>Hello</p>');
  const text = await driver.findElement(By.css('p')).getText();
  await driver.quit();
  return text;
}
