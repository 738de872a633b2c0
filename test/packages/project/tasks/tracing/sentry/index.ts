import * as Sentry from '@sentry/node';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    Sentry.init({ dsn: `${url.replace('://', '://key@')}/1`, defaultIntegrations: false });
    Sentry.captureException(new Error('seen'));
    await Sentry.flush(2000);
    return requests;
  });
}
