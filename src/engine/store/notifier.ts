import { setTimeout as delay } from 'node:timers/promises';

/** Tells runners that runs may have become claimable. */
export interface Notifier {
  /** After the commit: wakes the listeners of this process at once, and the runners of other processes by a notification. Many that come together are one. */
  notify(): void;
  onNotify(listener: () => void): void;
  /** Resolves when no notification is under way. */
  flush(): Promise<void>;
}

/** From one notification to the next at least: a hundred in a second wake every runner often enough, however many runs are added one by one. */
export const minNotifyGapMs = 10;

/**
 * @param send notifies all runners. When it fails, or this process dies before it, nothing is lost: runners poll as well.
 */
export function openNotifier(send: () => Promise<unknown>): Notifier {
  const listeners: (() => void)[] = [];
  let isDue = false;
  let sending: Promise<void> | null = null;

  const sendWhileDue = async (): Promise<void> => {
    while (isDue) {
      isDue = false;
      const rested = delay(minNotifyGapMs);
      await send().catch(() => undefined);
      await rested;
    }
    sending = null;
  };
  return {
    notify() {
      for (const listener of listeners) listener();
      isDue = true;
      sending ??= sendWhileDue();
    },
    onNotify: (listener) => void listeners.push(listener),
    flush: async () => sending ?? undefined,
  };
}
