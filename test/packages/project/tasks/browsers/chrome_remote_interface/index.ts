import CDP from 'chrome-remote-interface';
import { launch } from 'chrome-launcher';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium }) {
  const chrome = await launch({ chromePath: chromium, chromeFlags: ['--headless', ...chromiumFlags], logLevel: 'silent' });
  const client = await CDP({ port: chrome.port });
  const { result } = await client.Runtime.evaluate({ expression: 'document.createElement("p").outerHTML' });
  await client.close();
  chrome.kill();
  return result.value;
}
