import type { ContainmentListener, UnkilledWorker } from './containment.ts';
import type { KillTrouble } from './kill-for-sure.ts';

/** The workers that could not be killed yet. */
export interface Unkilled {
  count(): number;
  of(worker: UnkilledWorker): KillTrouble;
}

export function countUnkilled({ onUnkilled, onKilled }: ContainmentListener): Unkilled {
  const unkilled = new Set<UnkilledWorker>();
  return {
    count: () => unkilled.size,
    of: (worker) => ({
      failed(error) {
        unkilled.add(worker);
        onUnkilled?.(worker, error);
      },
      over() {
        unkilled.delete(worker);
        onKilled?.(worker);
      },
    }),
  };
}
