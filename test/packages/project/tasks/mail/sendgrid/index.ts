import sendgrid from '@sendgrid/mail';
import client from '@sendgrid/client';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    client.setApiKey('SG.a');
    client.setDefaultRequest('baseUrl', url);
    sendgrid.setClient(client);
    const [{ statusCode }] = await sendgrid.send({ to: 'b@example.org', from: 'a@example.org', subject: 's', text: 't' });
    return { statusCode, requests };
  }, '{}');
}
