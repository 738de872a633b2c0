import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { withServer } from '../support.ts';

export async function run({ postgres }) {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [getNodeAutoInstrumentations()] });
  const { default: knex } = await import('knex');
  const { default: axios } = await import('axios');
  const db = knex({ client: 'pg', connection: { connectionString: postgres } });
  await db.raw('select 1');
  await db.destroy();
  return withServer(async (url) => {
    await axios.get(url);
    await new Promise((done) => setTimeout(done, 100));
    const spans = exporter.getFinishedSpans().map(({ instrumentationScope, name }) => `${instrumentationScope.name.replace('@opentelemetry/instrumentation-', '')}: ${name.split(' ')[0]}`);
    return [...new Set(spans)].filter((span) => /^(?:pg|knex|http)/.test(span)).sort();
  });
}
