import { PubSub } from '@google-cloud/pubsub';
import grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

export async function run() {
  const protos = createRequire(import.meta.url)('@google-cloud/pubsub/build/protos/protos.json');
  const { Publisher } = grpc.loadPackageDefinition(fromJSON(protos)).google.pubsub.v1;
  const got: string[] = [];
  const server = new grpc.Server();
  server.addService(Publisher.service, { Publish: ({ request }, done) => { got.push(...request.messages.map(({ data }) => data.toString())); done(null, { messageIds: ['1'] }); } });
  const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', grpc.ServerCredentials.createInsecure());
  process.env.PUBSUB_EMULATOR_HOST = `127.0.0.1:${port}`;
  const pubsub = new PubSub({ projectId: 'p' });
  const id = await pubsub.topic('jobs').publishMessage({ data: Buffer.from('hello') });
  await pubsub.close();
  server.forceShutdown();
  return { id, got };
}
