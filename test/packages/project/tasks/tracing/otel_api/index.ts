import { context, trace } from '@opentelemetry/api';

export async function run() {
  const span = trace.getTracer('x').startSpan('s');
  return { isRecording: span.isRecording(), has: trace.getSpan(context.active()) === undefined };
}
