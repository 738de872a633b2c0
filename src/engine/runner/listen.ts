import type pg from 'pg';
import { sessionSettings } from '../store/connection.ts';
import { openServers } from '../store/database-servers.ts';
import { connectTo, SessionClient } from '../store/session-client.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';

/** What the database tells the runners. */
export interface Notifications {
  claimable(): void;
  cancel(runId: string): void;
  trouble(error: unknown): void;
}

const reconnectMs = 1000;
/** How often to ask whether the connection lives and still listens. Packets may vanish, and a pooler may have put another session behind it: neither says anything. */
const checkMs = 5000;
const checkLimitMs = 5000;

/**
 * Listens on a connection of its own, made again whenever it breaks or falls silent. Notifications may be lost meanwhile: whoever listens polls as well.
 */
export function listen(url: string, runnerId: string, notifications: Notifications): IntervalLoop {
  let client: pg.Client | null = null;
  const servers = openServers(url);
  const dispatch = (payload: string): void => {
    const [kind, subject, runId] = payload.split(' ');
    // This runner's own rings woke it already.
    if (kind === 'claimable' && subject !== runnerId) notifications.claimable();
    if (kind === 'cancel' && subject === runnerId && runId !== undefined) notifications.cancel(runId);
  };
  const connect = async (): Promise<pg.Client> => {
    const fresh = await connectTo(servers, () =>
      new SessionClient({ servers, settings: sessionSettings, limitMs: checkLimitMs }).connect(),
    );
    const lost = (): void => {
      if (client !== fresh) return;
      client = null;
      setTimeout(() => loop.wake(), reconnectMs).unref();
    };
    fresh.on('error', notifications.trouble);
    fresh.on('notification', ({ payload }) => dispatch(payload ?? ''));
    client = fresh;
    fresh.once('end', lost);
    return fresh;
  };
  const isListening = async (on: pg.Client): Promise<boolean> => {
    const { rowCount } = await on.query("select 1 from pg_listening_channels() channel where channel = 'cloudcode'");
    return (rowCount ?? 0) > 0;
  };
  const giveUp = (): void => {
    const last = client;
    client = null;
    // It may wait for an answer that never comes: that is not waited for.
    void last?.end().catch(() => undefined);
  };
  const loop = startLoop({
    async turn() {
      const current = client ?? (await connect());
      if (!(await isListening(current))) {
        await current.query('listen cloudcode');
        // What was told while nobody listened.
        notifications.claimable();
      }
      return checkMs;
    },
    onError(error) {
      notifications.trouble(error);
      giveUp();
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
