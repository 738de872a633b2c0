import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { withServer } from '../support.ts';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new UndiciInstrumentation()] });
  const { request } = await import('undici');
  return withServer(async (url) => {
    await (await fetch(`${url}/global`)).text();
    await (await request(`${url}/package`)).body.text();
    await new Promise((done) => setTimeout(done, 100));
    return exporter.getFinishedSpans().map(({ name, kind, attributes }) => ({ name, kind, path: attributes['url.path'] }));
  });
}
