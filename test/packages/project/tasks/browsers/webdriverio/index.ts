import { remote } from 'webdriverio';
import { chromiumFlags, withProcess } from '../support.ts';

export async function run({ chromium }) {
  return withProcess('/usr/bin/chromedriver', (port) => [`--port=${port}`], async (port) => {
    const browser = await remote({ hostname: '127.0.0.1', port, path: '/', logLevel: 'silent', capabilities: { browserName: 'chrome', 'goog:chromeOptions': { binary: chromium, args: ['--headless=new', ...chromiumFlags] } } });
    await browser.url('data:text/html,<p>Hello</p>');
    const text = await browser.$('p').getText();
    await browser.deleteSession();
    return text;
  });
}
