import { setTimeout as delay } from 'node:timers/promises';

/** Tells runners that runs may have become claimable. */
export interface Bell {
  /** After the commit: wakes the listeners of this process at once, and the runners of other processes by a notification. Many rings that come together are one. */
  ring(): void;
  onRing(listener: () => void): void;
  /** Resolves when no notification is under way. */
  still(): Promise<void>;
}

/** From one notification to the next at least: a hundred in a second wake every runner often enough, however many runs are added one by one. */
export const ringsApartMs = 10;

/**
 * @param send notifies all runners. When it fails, or this process dies before it, nothing is lost: runners poll as well.
 */
export function openBell(send: () => Promise<unknown>): Bell {
  const listeners: (() => void)[] = [];
  let isDue = false;
  let sending: Promise<void> | null = null;

  const sendWhileDue = async (): Promise<void> => {
    while (isDue) {
      isDue = false;
      const rested = delay(ringsApartMs);
      await send().catch(() => undefined);
      await rested;
    }
    sending = null;
  };
  return {
    ring() {
      for (const listener of listeners) listener();
      isDue = true;
      sending ??= sendWhileDue();
    },
    onRing: (listener) => void listeners.push(listener),
    still: async () => sending ?? undefined,
  };
}
