import { ImapFlow } from 'imapflow';

export async function run() {
  const client = new ImapFlow({ host: '127.0.0.1', port: 1, secure: false, auth: { user: 'a', pass: 'b' }, logger: false });
  client.on('error', () => undefined);
  return client.connect().then(() => 'connected', (error) => error.code);
}
