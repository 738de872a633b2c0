import tracer from 'dd-trace';
import { subscribe } from 'node:diagnostics_channel';

export async function run({ postgres }) {
  tracer.init({ startupLogs: false, url: 'http://127.0.0.1:1', remoteConfig: { enabled: false } });
  let queries = 0;
  subscribe('apm:pg:query:start', () => { queries += 1; });
  const { default: pg } = await import('pg');
  const client = new pg.Client(postgres);
  await client.connect();
  await tracer.trace('job', () => client.query('select 1'));
  await client.end();
  return { queries };
}
