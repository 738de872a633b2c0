import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { RedisInstrumentation } from '@opentelemetry/instrumentation-redis';
import { withRedis } from '../support.ts';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new RedisInstrumentation()] });
  const { createClient } = await import('redis');
  return withRedis(async (port) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, disableClientInfo: true });
    client.on('error', () => undefined);
    await client.connect();
    await client.set('a', '1');
    client.destroy();
    return exporter.getFinishedSpans().map(({ name }) => name);
  });
}
