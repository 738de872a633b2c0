import pg from 'pg';
import { startLoop, type IntervalLoop } from './interval-loop.ts';

/** What the database tells the runners. */
export interface Notifications {
  claimable(): void;
  cancel(runId: string): void;
  trouble(error: unknown): void;
}

const reconnectMs = 1000;

/**
 * Listens on a connection of its own, made again whenever it breaks. Notifications may be lost meanwhile: whoever listens polls as well.
 */
export function listen(url: string, runnerId: string, notifications: Notifications): IntervalLoop {
  let client: pg.Client | null = null;
  const connect = async (): Promise<number> => {
    if (client !== null) return Infinity;
    const fresh = new pg.Client({ connectionString: url, application_name: 'cloudcode', keepAlive: true, connectionTimeoutMillis: 10_000 });
    const lost = (): void => {
      if (client === fresh) client = null;
      setTimeout(() => loop.wake(), reconnectMs).unref();
    };
    fresh.on('error', notifications.trouble);
    fresh.on('notification', ({ payload }) => dispatch(payload ?? ''));
    await fresh.connect();
    client = fresh;
    fresh.once('end', lost);
    await fresh.query('listen cloudcode');
    // What was told while nobody listened.
    notifications.claimable();
    return Infinity;
  };
  const dispatch = (payload: string): void => {
    const [kind, subject, runId] = payload.split(' ');
    if (kind === 'claimable') notifications.claimable();
    if (kind === 'cancel' && subject === runnerId && runId !== undefined) notifications.cancel(runId);
  };
  const loop = startLoop({
    turn: connect,
    onError: (error) => {
      notifications.trouble(error);
      return reconnectMs;
    },
  });
  const stop = async (): Promise<void> => {
    await loop.stop();
    const last = client;
    client = null;
    await last?.end();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}
