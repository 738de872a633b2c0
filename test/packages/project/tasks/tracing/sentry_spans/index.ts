import * as Sentry from '@sentry/node';
import { withServer } from '../support.ts';

export async function run({ postgres }) {
  return withServer(async (url, requests) => {
    const spans: string[] = [];
    Sentry.init({
      dsn: `${url.replace('://', '://key@')}/1`,
      tracesSampleRate: 1,
      beforeSendTransaction(event) {
        spans.push(...(event.spans ?? []).map(({ op, origin }) => `${op} ${origin}`));
        return event;
      },
    });
    const { default: pg } = await import('pg');
    await Sentry.startSpan({ name: 'job', op: 'task' }, async () => {
      const client = new pg.Client(postgres);
      await client.connect();
      await client.query('select 1');
      await client.end();
    });
    await Sentry.flush(2000);
    await Sentry.close(2000);
    return { spans: [...new Set(spans)].sort(), isSent: requests.length > 0 };
  }, '{}');
}
