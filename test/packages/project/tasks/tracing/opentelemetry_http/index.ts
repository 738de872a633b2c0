import { NodeTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { createRequire } from 'node:module';
import { withServer } from '../support.ts';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
  const http = createRequire(import.meta.url)('node:http');
  return withServer(async (url) => {
    await new Promise((done) => http.get(url, (answer) => answer.resume().on('end', done)));
    return exporter.getFinishedSpans().map(({ name, kind }) => ({ name, kind })).sort((a, b) => a.kind - b.kind);
  });
}
