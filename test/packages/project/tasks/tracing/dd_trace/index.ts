import tracer from 'dd-trace';

export async function run() {
  tracer.init({ startupLogs: false, url: 'http://127.0.0.1:1', remoteConfig: { enabled: false } });
  return tracer.trace('job', (span) => typeof span?.context().toTraceId());
}
