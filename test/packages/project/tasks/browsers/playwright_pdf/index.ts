import { chromium as browserType } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium, folder }) {
  const browser = await browserType.launch({ executablePath: chromium, args: chromiumFlags });
  const page = await browser.newPage();
  await page.goto(new URL('./page.html', import.meta.url).href);
  await page.pdf({ path: `${folder}/page.pdf` });
  const title = await page.title();
  await browser.close();
  return { title, start: readFileSync(`${folder}/page.pdf`).subarray(0, 5).toString() };
}
