import rhea from 'rhea';
import { once } from 'node:events';

export async function run() {
  const broker = rhea.create_container();
  const got: unknown[] = [];
  broker.on('message', ({ message }) => { got.push(message.body); });
  const server = broker.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = rhea.create_container();
  const connection = client.connect({ port: server.address().port, host: '127.0.0.1', reconnect: false });
  const sender = connection.open_sender('jobs');
  await once(sender, 'sendable');
  const accepted = once(sender, 'accepted');
  sender.send({ body: { n: 1 } });
  await accepted;
  connection.close();
  await once(connection, 'connection_close');
  server.close();
  return got;
}
