import { setTimeout as delay } from 'node:timers/promises';

/** Tells runners that runs may have become claimable. */
export interface Notifier {
  /** After the commit: wakes the listeners of this process at once, and the runners of other processes by a notification. Many that come together are one. */
  notify(): void;
  onNotify(listener: () => void): void;
  /** Resolves when no notification is under way, nor owed. */
  flush(): Promise<void>;
}

/**
 * Notifies all runners, unless what they were told of before still waits: then none of them has a free slot, and whichever has one claims again without being told.
 * @param isForced whatever waits
 * @returns whether it did
 */
export type SendNotification = (isForced: boolean) => Promise<boolean>;

/** From one notification to the next at least: a hundred in a second wake every runner often enough, however many runs are added one by one. */
export const minNotifyGapMs = 10;
/** So long after the last one it is sent whatever waits: what waits may be there for another reason, as a run whose row somebody has locked. */
export const maxOwedMs = 1000;

/**
 * @param send when it fails, or this process dies before it, nothing is lost: runners poll as well
 */
export function openNotifier(send: SendNotification): Notifier {
  const listeners: (() => void)[] = [];
  let isDue = false;
  let sending: Promise<void> | null = null;
  let sentAt = -Infinity;
  /** One was not sent because of what waits. */
  let owed: NodeJS.Timeout | null = null;

  const sendOne = async (isForced: boolean): Promise<void> => {
    const began = performance.now();
    if (await send(isForced || began - sentAt >= maxOwedMs)) {
      sentAt = began;
      if (owed !== null) clearTimeout(owed);
      owed = null;
    } else {
      owed ??= setTimeout(sendOwed, maxOwedMs - (began - sentAt)).unref();
    }
  };
  const sendWhileDue = async (): Promise<void> => {
    while (isDue) {
      isDue = false;
      const rested = delay(minNotifyGapMs);
      await sendOne(false).catch(() => undefined);
      await rested;
    }
    sending = null;
  };
  const sendSoon = (): void => {
    isDue = true;
    sending ??= sendWhileDue();
  };
  const sendOwed = (): void => {
    owed = null;
    sendSoon();
  };
  return {
    notify() {
      for (const listener of listeners) listener();
      sendSoon();
    },
    onNotify: (listener) => void listeners.push(listener),
    async flush() {
      await sending;
      if (owed !== null) await sendOne(true).catch(() => undefined);
    },
  };
}
