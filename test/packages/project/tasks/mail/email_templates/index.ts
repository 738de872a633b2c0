import Email from 'email-templates';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export async function run() {
  const root = join(fileURLToPath(new URL('.', import.meta.url)), 'emails');
  const email = new Email({ views: { root }, message: { from: 'a@example.org' }, send: false, transport: { jsonTransport: true }, preview: false, juice: false });
  const { originalMessage } = await email.send({ template: 'welcome', message: { to: 'b@example.org' }, locals: { name: 'Ada' } });
  return { subject: originalMessage.subject, html: originalMessage.html };
}
