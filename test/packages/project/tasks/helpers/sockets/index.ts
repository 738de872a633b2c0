import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

export async function run() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  await once(client, 'open');
  client.send('hi');
  const [data] = await once(client, 'message');
  client.close();
  server.close();
  return data.toString();
}
