import { type Listener, openListeners } from '../store/open-listener.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';

/** What the database tells the runners. */
export interface Notifications {
  claimable(): void;
  cancel(runId: string): void;
  /** There is a deployment to come that may have to be checked. */
  check(): void;
  trouble(error: unknown): void;
}

const reconnectMs = 1000;
/** How often to ask whether the connection lives and still listens. Packets may vanish, and a pooler may have put another session behind it: neither says anything. */
const checkMs = 5000;

/**
 * Listens on a connection of its own, made again whenever it breaks or falls silent. Notifications may be lost meanwhile: whoever listens polls as well.
 */
export function listen(url: string, runnerId: string, notifications: Notifications): IntervalLoop {
  let listener: Listener | null = null;
  const connectListener = openListeners(url);
  const dispatch = (payload: string): void => {
    const [kind, subject, runId] = payload.split(' ');
    // This runner's own notifications woke it already.
    if (kind === 'claimable' && subject !== runnerId) notifications.claimable();
    if (kind === 'check') notifications.check();
    if (kind === 'cancel' && subject === runnerId && runId !== undefined) notifications.cancel(runId);
  };
  const connect = async (): Promise<Listener> => {
    const fresh = await connectListener({
      onNotification: dispatch,
      onError: notifications.trouble,
      onEnd() {
        if (listener !== fresh) return;
        listener = null;
        setTimeout(() => loop.wake(), reconnectMs).unref();
      },
    });
    listener = fresh;
    return fresh;
  };
  const giveUp = (): void => {
    const last = listener;
    listener = null;
    // It may wait for an answer that never comes: that is not waited for.
    void last?.end().catch(() => undefined);
  };
  const loop = startLoop({
    async turn() {
      const current = listener ?? (await connect());
      if (!(await current.isListening())) {
        await current.listen();
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
    const last = listener;
    listener = null;
    await last?.end();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}
