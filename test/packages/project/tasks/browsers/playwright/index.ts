import { chromium as browserType } from 'playwright-core';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium }) {
  const browser = await browserType.launch({ executablePath: chromium, args: chromiumFlags });
  const page = await browser.newPage();
  await page.setContent('<button onclick="this.textContent=\'clicked\'">x</button>');
  await page.click('button');
  const text = await page.textContent('button');
  await browser.close();
  return text;
}
