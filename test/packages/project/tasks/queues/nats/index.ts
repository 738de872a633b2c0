import { connect, StringCodec } from 'nats';

export async function run() {
  const refused = await connect({ servers: '127.0.0.1:1', reconnect: false, timeout: 500 }).then(() => 'connected', (error) => error.code);
  return { refused, bytes: [...StringCodec().encode('hi')] };
}
