import { Aedes } from 'aedes';
import { once } from 'node:events';
import { createServer } from 'node:net';
import mqtt from 'mqtt';

export async function run() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.address().port}`);
  await client.subscribeAsync('t');
  const message = once(client, 'message');
  await client.publishAsync('t', 'hello');
  const [topic, payload] = await message;
  await client.endAsync();
  broker.close();
  server.close();
  return { topic, text: payload.toString() };
}
