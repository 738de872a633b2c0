import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { trace } from '@opentelemetry/api';
import { WinstonInstrumentation } from '@opentelemetry/instrumentation-winston';
import { Writable } from 'node:stream';

export async function run() {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  registerInstrumentations({ instrumentations: [new WinstonInstrumentation({ disableLogSending: true })] });
  const { default: winston } = await import('winston');
  const lines: string[] = [];
  const stream = new Writable({ write(line, _encoding, done) { lines.push(String(line)); done(); } });
  const log = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] });
  const id = trace.getTracer('x').startActiveSpan('job', (span) => {
    log.info('inside');
    span.end();
    return span.spanContext().traceId;
  });
  await new Promise((done) => setImmediate(done));
  const { trace_id: traceId, ...rest } = JSON.parse(lines[0]);
  return { isSame: traceId === id, names: Object.keys(rest).sort() };
}
