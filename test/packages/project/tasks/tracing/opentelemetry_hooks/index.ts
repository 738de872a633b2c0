import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { register } from 'node:module';

class OfNanoid extends InstrumentationBase {
  constructor() { super('of-nanoid', '1.0.0', {}); }
  init() {
    return new InstrumentationNodeModuleDefinition('nanoid', ['*'], (exported) => {
      this._wrap(exported, 'nanoid', (original) => (size) => `traced ${original(size).length}`);
      return exported;
    });
  }
}

export async function run() {
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new OfNanoid()] });
  const { nanoid } = await import('nanoid');
  return { id: nanoid(5), spans: exporter.getFinishedSpans().length };
}
