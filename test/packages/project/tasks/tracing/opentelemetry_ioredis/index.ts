import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { withRedis } from '../support.ts';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new IORedisInstrumentation({ requireParentSpan: false })] });
  const { default: Redis } = await import('ioredis');
  return withRedis(async (port) => {
    const client = new Redis(port, '127.0.0.1');
    await client.set('a', '1');
    await client.quit();
    return [...new Set(exporter.getFinishedSpans().map(({ name }) => name))].sort();
  });
}
