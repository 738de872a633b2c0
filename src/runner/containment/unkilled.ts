import type { ContainmentListener, UnkilledWorker } from './containment.ts';
import type { KillTrouble } from './kill-for-sure.ts';

/** Counts the workers that could not be killed yet, and tells of each failure. */
export interface Unkilled {
  count(): number;
  of(worker: UnkilledWorker): KillTrouble;
}

export function countUnkilled({ log, onUnkilled }: ContainmentListener): Unkilled {
  const unkilled = new Set<UnkilledWorker>();
  return {
    count: () => unkilled.size,
    of: (worker) => ({
      failed(error) {
        unkilled.add(worker);
        log(`Worker ${worker.workerId} could not be ended: ${error instanceof Error ? error.message : String(error)}. It is tried again, and nothing more is claimed until it is gone.`);
        onUnkilled?.(worker, error);
      },
      over() {
        unkilled.delete(worker);
        log(`Worker ${worker.workerId}, which could not be ended, is gone.`);
      },
    }),
  };
}
