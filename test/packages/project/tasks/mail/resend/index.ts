import { Resend } from 'resend';

export async function run() {
  const { error } = await new Resend('re_1', { baseUrl: 'http://127.0.0.1:1' }).emails.send({ from: 'a@example.org', to: 'b@example.org', subject: 's', text: 't' });
  return error?.name;
}
