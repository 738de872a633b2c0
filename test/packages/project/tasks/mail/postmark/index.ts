import { ServerClient } from 'postmark';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const { host } = new URL(url);
    const client = new ServerClient('token', { requestHost: host, useHttps: false });
    const answer = await client.sendEmail({ From: 'a@example.org', To: 'b@example.org', Subject: 's', TextBody: 't' });
    return { answer, requests };
  }, JSON.stringify({ MessageID: '1', ErrorCode: 0 }));
}
