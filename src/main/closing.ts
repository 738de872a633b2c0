export interface Closing {
  add(close: () => Promise<unknown>): void;
  readonly close: () => Promise<void>;
}

/** Closes what was opened, the last first; one that fails does not keep the others open. */
export function closeInReverse(): Closing {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    add: (close) => void closers.push(close),
    close: async () => {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close().catch(() => undefined);
    },
  };
}
