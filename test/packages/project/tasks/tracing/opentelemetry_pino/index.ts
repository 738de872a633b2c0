import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { trace } from '@opentelemetry/api';
import { PinoInstrumentation } from '@opentelemetry/instrumentation-pino';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new PinoInstrumentation()] });
  const { default: pino } = await import('pino');
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => { lines.push(line); } });
  const id = trace.getTracer('x').startActiveSpan('job', (span) => {
    log.info('inside');
    span.end();
    return span.spanContext().traceId;
  });
  const { trace_id: traceId, ...rest } = JSON.parse(lines[0]);
  return { isSame: traceId === id, names: Object.keys(rest).sort() };
}
