import { Client } from 'memjs';
import { withProcess } from '../support.ts';

export async function run() {
  return withProcess('memcached', (port) => ['-u', 'nobody', '-l', '127.0.0.1', '-p', String(port)], async (port) => {
    const client = Client.create(`127.0.0.1:${port}`);
    await client.set('a', 'one', { expires: 60 });
    const { value } = await client.get('a');
    client.close();
    return value.toString();
  });
}
