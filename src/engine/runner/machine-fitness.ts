import { startLoop } from './interval-loop.ts';
import { messageOf } from '../core/thrown.ts';

/** Whether this machine can start runs. One whose disk is full, or that gives no process, claims nothing until a probe works: other machines do the work meanwhile. */
export interface Fitness extends AsyncDisposable {
  /** How many runs may be starting at a time: none while it is unfit, one from the probe that worked until a run has begun, else any number. */
  mayStart(): number;
  /** How often a probe has worked: runs that were to start before one say nothing of the machine as it is now. */
  trials(): number;
  /** Why it is unfit; null while it is fit. */
  unfitReason(): string | null;
  /** A fault of the machine kept a run from beginning. */
  onFault(fault: unknown): void;
  /** A run has begun. */
  onBegun(): void;
  stop(): Promise<void>;
}

export interface FitnessOptions {
  /** Does what every run needs of the machine; rejects when that fails. */
  readonly probe: (stopping: AbortSignal) => Promise<void>;
  /** It became unfit, or for another reason, or fit. */
  readonly onChange: (unfitReason: string | null) => void;
  /** One run may start, or after that all may. */
  readonly onFree: () => void;
}

const firstPauseMs = 1_000;
const maxPauseMs = 60_000;

export function openFitness({ probe, onChange, onFree }: FitnessOptions): Fitness {
  const stopping = new AbortController();
  let reason: string | null = null;
  let isOnTrial = false;
  let trials = 0;
  /** Before the next probe: none after the first fault, which may have passed already; then it doubles until a run has begun. */
  let pauseMs = 0;
  let probeAt = 0;

  const setReason = (to: string | null): void => {
    if (to === reason) return;
    reason = to;
    onChange(to);
  };
  const fail = (fault: unknown): void => {
    probeAt = performance.now() + pauseMs;
    pauseMs = Math.min(Math.max(2 * pauseMs, firstPauseMs), maxPauseMs);
    isOnTrial = false;
    setReason(messageOf(fault));
  };
  const leftMs = (): number => Math.max(0, probeAt - performance.now());
  const loop = startLoop({
    async turn() {
      if (reason === null) return Infinity;
      if (leftMs() > 0) return leftMs();
      await probe(stopping.signal);
      isOnTrial = true;
      trials += 1;
      setReason(null);
      onFree();
      return Infinity;
    },
    onError(error) {
      if (!stopping.signal.aborted) fail(error);
      return leftMs();
    },
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await loop.stop();
  };
  return {
    mayStart: () => (reason !== null ? 0 : isOnTrial ? 1 : Infinity),
    trials: () => trials,
    unfitReason: () => reason,
    onFault(fault) {
      if (reason !== null) return;
      fail(fault);
      loop.wake();
    },
    onBegun() {
      if (reason !== null) return;
      pauseMs = 0;
      if (!isOnTrial) return;
      isOnTrial = false;
      onFree();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
