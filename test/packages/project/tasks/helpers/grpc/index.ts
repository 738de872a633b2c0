import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export async function run() {
  const definition = loadSync(fileURLToPath(new URL('./doubles.proto', import.meta.url)));
  const { Doubles } = grpc.loadPackageDefinition(definition).jobs;
  const server = new grpc.Server();
  server.addService(Doubles.service, { of: ({ request }, done) => { done(null, { n: request.n * 2 }); } });
  const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', grpc.ServerCredentials.createInsecure());
  const client = new Doubles(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const answer = await promisify(client.of.bind(client))({ n: 21 });
  client.close();
  server.forceShutdown();
  return answer;
}
