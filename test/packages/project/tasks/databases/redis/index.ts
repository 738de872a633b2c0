import { createClient } from 'redis';
import { withRedis } from '../support.ts';

export async function run() {
  return withRedis(async (port) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, disableClientInfo: true });
    client.on('error', () => undefined);
    await client.connect();
    const answers = [await client.set('a', '1'), await client.get('a')];
    client.destroy();
    return answers;
  });
}
