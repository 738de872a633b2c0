import { connect, JSONCodec } from 'nats';
import { withProcess } from '../support.ts';

export async function run({ folder }) {
  return withProcess('nats-server', (port) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', `${folder}/nats`], async (port) => {
    const connection = await connect({ servers: `127.0.0.1:${port}` });
    const codec = JSONCodec();
    const subscription = connection.subscribe('double', { callback: (_error, message) => { message.respond(codec.encode(codec.decode(message.data) * 2)); } });
    const answer = codec.decode((await connection.request('double', codec.encode(21))).data);
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'jobs', subjects: ['jobs.*'] });
    const { seq } = await connection.jetstream().publish('jobs.a', codec.encode(1));
    subscription.unsubscribe();
    await connection.drain();
    return { answer, seq };
  });
}
