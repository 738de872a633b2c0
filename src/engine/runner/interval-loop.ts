/** A loop whose body says in how many milliseconds it wants to be called again. */
export interface IntervalLoop extends AsyncDisposable {
  /** Calls the body at once; when it is under way, once more after it. */
  wake(): void;
  /** Ends the loop; resolves when the body is not running any more. */
  stop(): Promise<void>;
}

export interface LoopBody {
  /** One turn; resolves to the delay until the next, Infinity to wait for `wake`. */
  readonly turn: () => Promise<number>;
  /** A turn failed: says in how many milliseconds to try again. */
  readonly onError: (error: unknown) => number;
}

const maxTimerMs = 2_147_483_647;

export function startLoop(body: LoopBody): IntervalLoop {
  const stopping = new AbortController();
  let woken = false;
  let endSleep: (() => void) | null = null;

  const wake = (): void => {
    woken = true;
    endSleep?.();
  };
  const sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      if (woken || stopping.signal.aborted) return resolve();
      const timer = Number.isFinite(delayMs) ? setTimeout(resolve, Math.min(delayMs, maxTimerMs)) : undefined;
      endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const running = (async () => {
    while (!stopping.signal.aborted) {
      woken = false;
      const delayMs = await body.turn().catch(body.onError);
      await sleep(delayMs);
      endSleep = null;
    }
  })();
  const stop = async (): Promise<void> => {
    stopping.abort();
    endSleep?.();
    await running;
  };
  return { wake, stop, [Symbol.asyncDispose]: stop };
}
