import core from 'puppeteer-core';
import { addExtra } from 'puppeteer-extra';
import stealth from 'puppeteer-extra-plugin-stealth';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium, folder }) {
  const puppeteer = addExtra(core);
  const plugin = stealth();
  puppeteer.use(plugin);
  const browser = await puppeteer.launch({ executablePath: chromium, args: chromiumFlags, userDataDir: `${folder}/extra` });
  const page = await browser.newPage();
  await page.setContent('<p>Hello</p>');
  const isHidden = await page.evaluate(() => navigator.webdriver !== true);
  await browser.close();
  return { isHidden, evasions: [...plugin.enabledEvasions].sort() };
}
