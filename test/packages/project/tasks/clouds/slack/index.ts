import { WebClient } from '@slack/web-api';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const { ok, ts } = await new WebClient('xoxb-1', { slackApiUrl: `${url}/` }).chat.postMessage({ channel: 'c', text: 'hi' });
    return { ok, ts, requests };
  }, JSON.stringify({ ok: true, ts: '1.2' }));
}
