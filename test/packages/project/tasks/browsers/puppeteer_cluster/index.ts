import core from 'puppeteer-core';
import { Cluster } from 'puppeteer-cluster';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium, folder }) {
  const cluster = await Cluster.launch({ puppeteer: core, concurrency: Cluster.CONCURRENCY_CONTEXT, maxConcurrency: 1, puppeteerOptions: { executablePath: chromium, args: chromiumFlags, userDataDir: `${folder}/cluster` } });
  await cluster.task(async ({ page, data }) => {
    await page.setContent(`<p>${data}</p>`);
    return page.$eval('p', (p) => p.textContent);
  });
  const texts = [await cluster.execute('a'), await cluster.execute('b')];
  await cluster.idle();
  await cluster.close();
  return texts;
}
