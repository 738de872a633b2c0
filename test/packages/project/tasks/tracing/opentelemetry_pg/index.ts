import { NodeTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';

export async function run({ postgres }) {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  registerInstrumentations({ instrumentations: [new PgInstrumentation()] });
  const { default: pg } = await import('pg');
  const client = new pg.Client(postgres);
  await client.connect();
  await client.query('select 1');
  await client.end();
  return exporter.getFinishedSpans().map(({ name }) => name.split(' ')[0]);
}
