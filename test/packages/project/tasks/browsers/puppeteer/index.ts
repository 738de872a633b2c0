import puppeteer from 'puppeteer-core';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium, folder }) {
  const browser = await puppeteer.launch({ executablePath: chromium, args: chromiumFlags, userDataDir: `${folder}/puppeteer` });
  const page = await browser.newPage();
  await page.setContent('<p>Hello</p>');
  const text = await page.$eval('p', (p) => p.textContent + '!');
  await browser.close();
  return text;
}
