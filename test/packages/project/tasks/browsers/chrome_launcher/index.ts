import { launch } from 'chrome-launcher';
import { chromiumFlags } from '../support.ts';

export async function run({ chromium }) {
  const chrome = await launch({ chromePath: chromium, chromeFlags: ['--headless', ...chromiumFlags], logLevel: 'silent' });
  const answer = await fetch(`http://127.0.0.1:${chrome.port}/json/version`);
  const { Browser } = await answer.json();
  chrome.kill();
  return Browser.split('/')[0];
}
